//! Canonical form from JSON text.
//!
//! Two passes, both linear: the first checks the syntax and indexes the members of every object in canonical order; the
//! second writes, following the index where there is an object and the text itself in arrays. A scalar whose text is
//! canonical already, as nearly all are that PostgreSQL prints, is copied. Nesting is on a stack of our own, so that no
//! input can overflow the thread's.

mod index;
mod lexer;

use super::number::{self, Decimal};
use super::string::write_string;
use super::{JsonError, Sink};
use index::{Container, Index, Member, Value};
use lexer::{Form, Lexer, Token, decode, syntax};

/// What the string stands for that `text` begins with, and how long it is there, with its quotes.
pub(crate) fn read_string(text: &[u8]) -> Result<(Vec<u8>, usize), JsonError> {
    if !text.starts_with(b"\"") {
        return Err(syntax(0, "a string expected"));
    }
    let mut lexer = Lexer { text, at: 0 };
    lexer.string()?;
    let mut string = Vec::new();
    decode(&text[1..lexer.at - 1], &mut string);
    Ok((string, lexer.at))
}

/// A container that is being written.
#[derive(Debug, Clone, Copy)]
enum Frame {
    Array(Elements),
    Object(Members),
}

/// The rest of an array: where the text goes on, and the number of the next container in it.
#[derive(Debug, Clone, Copy)]
struct Elements {
    at: usize,
    container: usize,
}

/// The members of an object that are still to come, as a range of the walker's sorted `members`.
#[derive(Debug, Clone, Copy)]
struct Members {
    first: usize,
    next: usize,
    end: usize,
}

/// Reads a JSON text; keeps its index and stacks for the next one.
#[derive(Debug, Default)]
pub(super) struct Walker {
    index: Index,
    frames: Vec<Frame>,
    scratch: Vec<u8>,
}

impl Walker {
    /// Writes the value that `text` holds.
    pub(super) fn write(&mut self, text: &[u8], sink: &mut impl Sink) -> Result<(), JsonError> {
        if let Err(error) = str::from_utf8(text) {
            return Err(syntax(error.valid_up_to(), "not UTF-8"));
        }
        match self.index.read(text)? {
            Value::Container(number) => self.write_container(text, number, sink),
            Value::Scalar { form, start, end } => self.write_scalar(&text[start..end], form, sink),
        }
    }

    /// Second pass: writes a container of the indexed text, whose syntax is known to be right.
    fn write_container(&mut self, text: &[u8], number: usize, sink: &mut impl Sink) -> Result<(), JsonError> {
        self.frames.clear();
        let mut frame = self.enter(text, number, sink);
        loop {
            let inner = match &mut frame {
                Frame::Array(rest) => self.write_elements(text, rest, sink)?,
                Frame::Object(rest) => self.write_members(text, rest, sink)?,
            };
            if let Some(number) = inner {
                self.frames.push(frame);
                frame = self.enter(text, number, sink);
            } else if let Some(outer) = self.frames.pop() {
                frame = outer;
            } else {
                return Ok(());
            }
        }
    }

    fn enter(&self, text: &[u8], number: usize, sink: &mut impl Sink) -> Frame {
        let Container { start, members, .. } = self.index.containers[number];
        if text[start] == b'{' {
            sink.write(b"{");
            Frame::Object(Members { first: members.0, next: members.0, end: members.1 })
        } else {
            sink.write(b"[");
            Frame::Array(Elements { at: start + 1, container: number + 1 })
        }
    }

    /// Writes the elements up to the next that is a container, which is returned, or up to the array's end.
    fn write_elements(
        &mut self,
        text: &[u8],
        rest: &mut Elements,
        sink: &mut impl Sink,
    ) -> Result<Option<usize>, JsonError> {
        let mut lexer = Lexer { text, at: rest.at };
        loop {
            lexer.skip_space();
            match lexer.peek() {
                Some(b']') => {
                    sink.write(b"]");
                    return Ok(None);
                }
                Some(b',') => {
                    sink.write(b",");
                    lexer.at += 1;
                    lexer.skip_space();
                }
                _ => {}
            }
            let start = lexer.at;
            match lexer.value()? {
                Token::Scalar(form) => self.write_scalar(&text[start..lexer.at], form, sink)?,
                Token::Open => {
                    let number = rest.container;
                    let Container { end, following, .. } = self.index.containers[number];
                    *rest = Elements { at: end, container: following };
                    return Ok(Some(number));
                }
            }
        }
    }

    /// Writes the members up to the next whose value is a container, which is returned, or up to the object's end.
    fn write_members(
        &mut self,
        text: &[u8],
        rest: &mut Members,
        sink: &mut impl Sink,
    ) -> Result<Option<usize>, JsonError> {
        while rest.next < rest.end {
            let is_first = rest.next == rest.first;
            let Member { key, value, .. } = self.index.members[rest.next];
            rest.next += 1;
            if !is_first {
                sink.write(b",");
            }
            if key.is_decoded {
                write_string(&self.index.decoded[key.start..key.end], sink);
            } else {
                // With its quotes: nothing in it needs an escape.
                sink.write(&text[key.start - 1..key.end + 1]);
            }
            sink.write(b":");
            match value {
                Value::Scalar { form, start, end } => self.write_scalar(&text[start..end], form, sink)?,
                Value::Container(number) => return Ok(Some(number)),
            }
        }
        sink.write(b"}");
        Ok(None)
    }

    #[inline]
    fn write_scalar(&mut self, text: &[u8], form: Form, sink: &mut impl Sink) -> Result<(), JsonError> {
        match form {
            Form::Canonical => sink.write(text),
            Form::Escaped => {
                self.scratch.clear();
                decode(&text[1..text.len() - 1], &mut self.scratch);
                write_string(&self.scratch, sink);
            }
            Form::Number => {
                self.scratch.clear();
                let (negative, point) = number::split(text, |digit| self.scratch.push(digit))
                    .ok_or(JsonError::NumberOutOfRange)?;
                Decimal::new(negative, &self.scratch, point).write(sink);
            }
        }
        Ok(())
    }
}
