//! Canonical form from JSON text.
//!
//! Two passes, both linear: the first checks the syntax and indexes the members of every object in canonical order; the
//! second writes, following the index where there is an object and the text itself in arrays. A scalar whose text is
//! canonical already, as nearly all are that PostgreSQL prints, is copied. Nesting is on a stack of our own, so that no
//! input can overflow the thread's.

mod lexer;

use super::number::{self, Decimal};
use super::string::{cmp_utf16, utf16_prefix, write_string};
use super::{JsonError, MAX_DEPTH, Sink};
use lexer::{Form, Lexer, Token, decode, syntax};

/// An object's key: a range of the text between its quotes or, where it has escapes, of `decoded`.
#[derive(Debug, Clone, Copy)]
struct Key {
    start: usize,
    end: usize,
    is_decoded: bool,
}

/// Where a value is.
#[derive(Debug, Clone, Copy)]
enum Value {
    Scalar {
        form: Form,
        start: usize,
        end: usize,
    },
    /// The number of the container.
    Container(usize),
}

/// A member of an object: its key, what keys are ordered by first, and its value.
#[derive(Debug, Clone, Copy)]
struct Member {
    prefix: u64,
    key: Key,
    value: Value,
}

/// An array or object. They are numbered in the order in which they start.
#[derive(Debug, Clone, Copy)]
struct Container {
    start: usize,
    end: usize,
    /// The number of the first one that starts behind its end.
    following: usize,
    /// An object's range of sorted `members`.
    members: (usize, usize),
}

/// A container that is open while the text is indexed.
#[derive(Debug, Clone, Copy)]
struct Open {
    number: usize,
    is_object: bool,
    has_begun: bool,
    /// How many members were pending before it.
    pending: usize,
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
    containers: Vec<Container>,
    members: Vec<Member>,
    decoded: Vec<u8>,
    open: Vec<Open>,
    pending: Vec<Member>,
    frames: Vec<Frame>,
    scratch: Vec<u8>,
}

impl Walker {
    /// Writes the value that `text` holds.
    pub(super) fn write(&mut self, text: &[u8], sink: &mut impl Sink) -> Result<(), JsonError> {
        if let Err(error) = str::from_utf8(text) {
            return Err(syntax(error.valid_up_to(), "not UTF-8"));
        }
        match self.index(text)? {
            Value::Container(number) => self.write_container(text, number, sink),
            Value::Scalar { form, start, end } => self.write_scalar(&text[start..end], form, sink),
        }
    }

    /// First pass: checks the syntax, fills `containers`, `members` and `decoded`; returns the whole value.
    fn index(&mut self, text: &[u8]) -> Result<Value, JsonError> {
        self.containers.clear();
        self.members.clear();
        self.decoded.clear();
        self.open.clear();
        self.pending.clear();

        let mut lexer = Lexer { text, at: 0 };
        lexer.skip_space();
        let value = self.index_value(&mut lexer)?;
        if let Value::Container(number) = value {
            self.index_container(&mut lexer, number)?;
        }
        lexer.skip_space();
        if lexer.at < text.len() { Err(syntax(lexer.at, "something follows the value")) } else { Ok(value) }
    }

    /// Takes a scalar, or the bracket of a container, which gets its number.
    #[inline(always)]
    fn index_value(&mut self, lexer: &mut Lexer<'_>) -> Result<Value, JsonError> {
        let start = lexer.at;
        match lexer.value()? {
            Token::Scalar(form) => Ok(Value::Scalar { form, start, end: lexer.at }),
            Token::Open => {
                // What lies behind it is filled in when it is closed.
                self.containers.push(Container { start, end: start, following: 0, members: (0, 0) });
                Ok(Value::Container(self.containers.len() - 1))
            }
        }
    }

    /// Indexes a container, and all those in it, from behind its bracket.
    fn index_container(&mut self, lexer: &mut Lexer<'_>, number: usize) -> Result<(), JsonError> {
        let mut open = self.open(lexer.text, number);
        loop {
            let inner = if open.is_object {
                self.index_members(lexer, &mut open)?
            } else {
                self.index_elements(lexer, &mut open)?
            };
            if let Some(number) = inner {
                // Left until the container in it is indexed.
                if self.open.len() + 1 == MAX_DEPTH {
                    return Err(JsonError::TooDeep);
                }
                self.open.push(open);
                open = self.open(lexer.text, number);
                continue;
            }
            let following = self.containers.len();
            let container = &mut self.containers[open.number];
            (container.end, container.following) = (lexer.at, following);
            match self.open.pop() {
                Some(outer) => open = outer,
                None => return Ok(()),
            }
        }
    }

    fn open(&self, text: &[u8], number: usize) -> Open {
        let is_object = text[self.containers[number].start] == b'{';
        Open { number, is_object, has_begun: false, pending: self.pending.len() }
    }

    /// Takes elements up to the next that is a container, which is returned, or up to the array's end.
    fn index_elements(&mut self, lexer: &mut Lexer<'_>, open: &mut Open) -> Result<Option<usize>, JsonError> {
        loop {
            lexer.skip_space();
            match lexer.peek() {
                Some(b']') => {
                    lexer.at += 1;
                    return Ok(None);
                }
                Some(b',') if open.has_begun => {
                    lexer.at += 1;
                    lexer.skip_space();
                }
                _ if open.has_begun => return Err(syntax(lexer.at, "',' or ']' expected")),
                _ => open.has_begun = true,
            }
            if let Value::Container(number) = self.index_value(lexer)? {
                return Ok(Some(number));
            }
        }
    }

    /// Takes members up to the next whose value is a container, which is returned, or up to the object's end.
    fn index_members(&mut self, lexer: &mut Lexer<'_>, open: &mut Open) -> Result<Option<usize>, JsonError> {
        loop {
            lexer.skip_space();
            match lexer.peek() {
                Some(b'}') => {
                    lexer.at += 1;
                    self.close_object(lexer.text, *open)?;
                    return Ok(None);
                }
                Some(b',') if open.has_begun => {
                    lexer.at += 1;
                    lexer.skip_space();
                }
                _ if open.has_begun => return Err(syntax(lexer.at, "',' or '}' expected")),
                _ => open.has_begun = true,
            }
            let (prefix, key) = self.index_key(lexer)?;
            let value = self.index_value(lexer)?;
            self.pending.push(Member { prefix, key, value });
            if let Value::Container(number) = value {
                return Ok(Some(number));
            }
        }
    }

    /// Takes a key and its colon; the lexer is then at the member's value.
    #[inline(always)]
    fn index_key(&mut self, lexer: &mut Lexer<'_>) -> Result<(u64, Key), JsonError> {
        if lexer.peek() != Some(b'"') {
            return Err(syntax(lexer.at, "a key in quotes expected"));
        }
        let start = lexer.at + 1;
        let has_escapes = lexer.string()?;
        let end = lexer.at - 1;
        let key = if has_escapes {
            let decoded = self.decoded.len();
            decode(&lexer.text[start..end], &mut self.decoded);
            Key { start: decoded, end: self.decoded.len(), is_decoded: true }
        } else {
            Key { start, end, is_decoded: false }
        };
        lexer.skip_space();
        if lexer.peek() != Some(b':') {
            return Err(syntax(lexer.at, "':' expected"));
        }
        lexer.at += 1;
        lexer.skip_space();
        let source = if key.is_decoded { &self.decoded } else { lexer.text };
        Ok((utf16_prefix(source, key.start, key.end), key))
    }

    /// Appends an object's members in canonical order to `members`.
    fn close_object(&mut self, text: &[u8], open: Open) -> Result<(), JsonError> {
        let decoded = &self.decoded;
        let key = |member: &Member| key_bytes(text, decoded, member.key);
        let own = &mut self.pending[open.pending..];
        own.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| cmp_utf16(key(a), key(b))));
        let is_same = |a: &Member, b: &Member| a.prefix == b.prefix && key(a) == key(b);
        if own.windows(2).any(|pair| is_same(&pair[0], &pair[1])) {
            return Err(JsonError::DuplicateKey);
        }
        let first = self.members.len();
        self.members.extend_from_slice(own);
        self.pending.truncate(open.pending);
        self.containers[open.number].members = (first, self.members.len());
        Ok(())
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
        let Container { start, members, .. } = self.containers[number];
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
                    let Container { end, following, .. } = self.containers[number];
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
            let Member { key, value, .. } = self.members[rest.next];
            rest.next += 1;
            if !is_first {
                sink.write(b",");
            }
            if key.is_decoded {
                write_string(&self.decoded[key.start..key.end], sink);
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

fn key_bytes<'a>(text: &'a [u8], decoded: &'a [u8], key: Key) -> &'a [u8] {
    let source = if key.is_decoded { decoded } else { text };
    &source[key.start..key.end]
}
