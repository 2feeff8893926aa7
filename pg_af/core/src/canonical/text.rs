//! Canonical form from JSON text.
//!
//! Two passes over the text, both linear: the first checks the syntax and indexes the members of
//! every object in canonical order; the second writes, following the index where there is an
//! object and the text itself elsewhere. Nesting is on a stack of our own, so that no input can
//! overflow the thread's.

use super::number::{self, Decimal};
use super::string::{cmp_utf16, unescaped_length, utf16_prefix, write_key, write_string};
use super::{JsonError, MAX_DEPTH, Sink};

/// An object's key: a range of the text between its quotes or, where it has escapes, of `decoded`.
#[derive(Debug, Clone, Copy)]
struct Key {
    start: usize,
    end: usize,
    is_decoded: bool,
}

/// A member of an object: its key, what keys are ordered by first, and where its value is.
#[derive(Debug, Clone, Copy)]
struct Member {
    prefix: u64,
    key: Key,
    value_at: usize,
}

/// An object: where it starts and ends in the text, and its range of sorted `members`.
#[derive(Debug, Clone, Copy)]
struct Object {
    start: usize,
    end: usize,
    members: (usize, usize),
}

/// A container that is open while the text is indexed.
#[derive(Debug, Clone, Copy)]
enum Open {
    Array,
    /// Where it starts, and how many members were pending before it.
    Object {
        start: usize,
        pending: usize,
    },
}

/// A container that is being written.
#[derive(Debug, Clone, Copy)]
enum Frame {
    /// Where the text goes on.
    Array {
        at: usize,
    },
    Object {
        object: usize,
        next: usize,
    },
}

/// Reads a JSON text; keeps its index and stacks for the next one.
#[derive(Debug, Default)]
pub(super) struct Walker {
    objects: Vec<Object>,
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
        self.index(text)?;
        self.emit(text, sink)
    }

    /// First pass: checks the syntax, fills `objects` (in order of their start), `members` and
    /// `decoded`.
    fn index(&mut self, text: &[u8]) -> Result<(), JsonError> {
        self.objects.clear();
        self.members.clear();
        self.decoded.clear();
        self.open.clear();
        self.pending.clear();

        let mut lexer = Lexer { text, at: 0 };
        lexer.skip_space();
        'value: loop {
            // Here a value must start.
            let start = lexer.at;
            match lexer.peek() {
                Some(b'[') => {
                    lexer.at += 1;
                    self.push_open(Open::Array)?;
                    lexer.skip_space();
                    if lexer.peek() != Some(b']') {
                        continue 'value;
                    }
                }
                Some(b'{') => {
                    lexer.at += 1;
                    self.push_open(Open::Object { start, pending: self.pending.len() })?;
                    lexer.skip_space();
                    if lexer.peek() != Some(b'}') {
                        self.index_key(&mut lexer)?;
                        continue 'value;
                    }
                }
                _ => lexer.skip_scalar()?,
            }
            // Here a value has ended, or an empty container is about to.
            loop {
                lexer.skip_space();
                let Some(open) = self.open.last().copied() else {
                    return if lexer.at == text.len() {
                        self.objects.sort_unstable_by_key(|object| object.start);
                        Ok(())
                    } else {
                        Err(syntax(lexer.at, "something follows the value"))
                    };
                };
                match (lexer.peek(), open) {
                    (Some(b','), Open::Array) => {
                        lexer.at += 1;
                        lexer.skip_space();
                        continue 'value;
                    }
                    (Some(b','), Open::Object { .. }) => {
                        lexer.at += 1;
                        lexer.skip_space();
                        self.index_key(&mut lexer)?;
                        continue 'value;
                    }
                    (Some(b']'), Open::Array) => lexer.at += 1,
                    (Some(b'}'), Open::Object { start, pending }) => {
                        lexer.at += 1;
                        self.close_object(text, start, lexer.at, pending)?;
                    }
                    (_, Open::Array) => return Err(syntax(lexer.at, "',' or ']' expected")),
                    (_, Open::Object { .. }) => return Err(syntax(lexer.at, "',' or '}' expected")),
                }
                self.open.pop();
            }
        }
    }

    fn push_open(&mut self, open: Open) -> Result<(), JsonError> {
        if self.open.len() == MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.open.push(open);
        Ok(())
    }

    /// Takes a key and its colon; the lexer is then at the member's value.
    fn index_key(&mut self, lexer: &mut Lexer<'_>) -> Result<(), JsonError> {
        if lexer.peek() != Some(b'"') {
            return Err(syntax(lexer.at, "a key in quotes expected"));
        }
        let raw = lexer.string()?;
        let key = if raw.has_escapes {
            let start = self.decoded.len();
            decode(&lexer.text[raw.start..raw.end], &mut self.decoded);
            Key { start, end: self.decoded.len(), is_decoded: true }
        } else {
            Key { start: raw.start, end: raw.end, is_decoded: false }
        };
        lexer.skip_space();
        if lexer.peek() != Some(b':') {
            return Err(syntax(lexer.at, "':' expected"));
        }
        lexer.at += 1;
        lexer.skip_space();
        let source = if key.is_decoded { &self.decoded } else { lexer.text };
        let prefix = utf16_prefix(source, key.start, key.end);
        self.pending.push(Member { prefix, key, value_at: lexer.at });
        Ok(())
    }

    fn close_object(
        &mut self,
        text: &[u8],
        start: usize,
        end: usize,
        pending: usize,
    ) -> Result<(), JsonError> {
        let decoded = &self.decoded;
        let key = |member: &Member| key_bytes(text, decoded, member.key);
        let own = &mut self.pending[pending..];
        own.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| cmp_utf16(key(a), key(b))));
        let is_same = |a: &Member, b: &Member| a.prefix == b.prefix && key(a) == key(b);
        if own.windows(2).any(|pair| is_same(&pair[0], &pair[1])) {
            return Err(JsonError::DuplicateKey);
        }
        let first = self.members.len();
        self.members.extend(self.pending.drain(pending..));
        self.objects.push(Object { start, end, members: (first, self.members.len()) });
        Ok(())
    }

    /// Second pass: writes the indexed text, whose syntax is known to be right.
    fn emit(&mut self, text: &[u8], sink: &mut impl Sink) -> Result<(), JsonError> {
        self.frames.clear();
        let mut lexer = Lexer { text, at: 0 };
        lexer.skip_space();
        self.emit_value(&mut lexer, sink)?;
        while let Some(frame) = self.frames.last_mut() {
            match frame {
                Frame::Array { at } => {
                    lexer.at = *at;
                    lexer.skip_space();
                    match lexer.peek() {
                        Some(b']') => {
                            sink.write(b"]");
                            let end = lexer.at + 1;
                            self.frames.pop();
                            self.resume_at(end);
                            continue;
                        }
                        Some(b',') => {
                            sink.write(b",");
                            lexer.at += 1;
                            lexer.skip_space();
                        }
                        _ => {}
                    }
                    self.emit_value(&mut lexer, sink)?;
                }
                Frame::Object { object, next } => {
                    let Object { end, members, .. } = self.objects[*object];
                    if *next == members.1 {
                        sink.write(b"}");
                        self.frames.pop();
                        self.resume_at(end);
                        continue;
                    }
                    let is_first = *next == members.0;
                    let member = self.members[*next];
                    *next += 1;
                    write_key(key_bytes(text, &self.decoded, member.key), is_first, sink);
                    lexer.at = member.value_at;
                    self.emit_value(&mut lexer, sink)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the scalar at the lexer whole, or opens the container there.
    fn emit_value(&mut self, lexer: &mut Lexer<'_>, sink: &mut impl Sink) -> Result<(), JsonError> {
        let start = lexer.at;
        match lexer.peek() {
            Some(b'[') => {
                sink.write(b"[");
                self.frames.push(Frame::Array { at: start + 1 });
                return Ok(());
            }
            Some(b'{') => {
                sink.write(b"{");
                let object = self.objects.partition_point(|object| object.start < start);
                let next = self.objects[object].members.0;
                self.frames.push(Frame::Object { object, next });
                return Ok(());
            }
            Some(b'"') => {
                let raw = lexer.string()?;
                let inside = &lexer.text[raw.start..raw.end];
                if raw.has_escapes {
                    self.scratch.clear();
                    decode(inside, &mut self.scratch);
                    write_string(&self.scratch, sink);
                } else {
                    // Nothing in it needs an escape, or the syntax would have demanded one.
                    sink.write(&lexer.text[start..lexer.at]);
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                lexer.number()?;
                self.scratch.clear();
                let text = &lexer.text[start..lexer.at];
                let (negative, point) = number::split(text, |digit| self.scratch.push(digit))
                    .ok_or(JsonError::NumberOutOfRange)?;
                Decimal::new(negative, &self.scratch, point).write(sink);
            }
            _ => {
                lexer.skip_scalar()?;
                sink.write(&lexer.text[start..lexer.at]);
            }
        }
        self.resume_at(lexer.at);
        Ok(())
    }

    /// Tells the innermost array, if that is where the value stood, that the value ended at `at`.
    fn resume_at(&mut self, at: usize) {
        if let Some(Frame::Array { at: resume }) = self.frames.last_mut() {
            *resume = at;
        }
    }
}

fn key_bytes<'a>(text: &'a [u8], decoded: &'a [u8], key: Key) -> &'a [u8] {
    let source = if key.is_decoded { decoded } else { text };
    &source[key.start..key.end]
}

fn syntax(offset: usize, what: &'static str) -> JsonError {
    JsonError::Syntax { offset, what }
}

/// What stands between the quotes of a string.
struct RawString {
    start: usize,
    end: usize,
    has_escapes: bool,
}

/// The tokens of RFC 8259.
struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn skip_scalar(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let rest = &self.text[self.at..];
                let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word));
                self.at += word.ok_or(syntax(self.at, "a value expected"))?.len();
                Ok(())
            }
        }
    }

    fn string(&mut self) -> Result<RawString, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            match self.peek() {
                None => return Err(syntax(self.at, "the text ends inside a string")),
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                Some(0..=0x1f) => return Err(syntax(self.at, "a control character in a string")),
                Some(_) => self.at += unescaped_length(&self.text[self.at..]),
            }
        }
        let end = self.at;
        self.at += 1;
        Ok(RawString { start, end, has_escapes })
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let at = self.at;
        match self.text.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit =
                    code_unit(&self.text[at..]).ok_or(syntax(at, "four hexadecimal digits expected"))?;
                self.at += 6;
                let is_high = (0xd800..0xdc00).contains(&unit);
                let is_low = |unit: u16| (0xdc00..0xe000).contains(&unit);
                if is_high {
                    // A pair is two escapes, and is skipped as one.
                    code_unit(&self.text[self.at..])
                        .filter(|low| is_low(*low))
                        .ok_or(syntax(at, "half of a surrogate pair"))?;
                    self.at += 6;
                } else if is_low(unit) {
                    return Err(syntax(at, "half of a surrogate pair"));
                }
            }
            _ => return Err(syntax(at, "an unknown escape")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(syntax(self.at, "a digit expected")) } else { Ok(()) }
    }
}

/// The UTF-16 code unit of an escape `\uXXXX` at the start of `text`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// Appends what `raw`, the inside of a valid string, stands for.
fn decode(raw: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        if let Some(unit) = code_unit(&raw[at..]) {
            let low = code_unit(raw.get(at + 6..).unwrap_or_default());
            let mut units = char::decode_utf16([unit].into_iter().chain(low));
            let decoded = units.next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
            at += 6 * decoded.len_utf16();
            continue;
        }
        out.push(match raw.get(at + 1) {
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            other => other.copied().unwrap_or(b'\\'),
        });
        at += 2;
    }
}
