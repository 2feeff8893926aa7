//! The tokens of RFC 8259.

use super::super::JsonError;
use super::super::number;
use super::super::string::unescaped_length;

/// What starts at a place of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A container, of which the bracket was taken.
    Open,
    /// A scalar, which was taken whole.
    Scalar(Form),
}

/// What has to be done to a scalar's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing: it is canonical.
    Canonical,
    /// It is a string with escapes, which must be written anew.
    Escaped,
    /// It is a number, whose canonical text may be another.
    Number,
}

/// Takes one token after the other.
pub(super) struct Lexer<'a> {
    pub(super) text: &'a [u8],
    /// Where the next one is; never behind the end.
    pub(super) at: usize,
}

impl Lexer<'_> {
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes a scalar, or the bracket that opens a container.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Token, JsonError> {
        match self.peek() {
            Some(b'"') => {
                let has_escapes = self.string()?;
                Ok(Token::Scalar(if has_escapes { Form::Escaped } else { Form::Canonical }))
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(Token::Scalar),
            Some(b'[' | b'{') => {
                self.at += 1;
                Ok(Token::Open)
            }
            _ => {
                let rest = &self.text[self.at..];
                let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word));
                self.at += word.ok_or(syntax(self.at, "a value expected"))?.len();
                Ok(Token::Scalar(Form::Canonical))
            }
        }
    }

    /// Takes a string from quote to quote, and returns whether it has escapes. One that has none needs none either, or
    /// the syntax would have demanded it.
    // Once for each key and most values: worth having where it is called.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<bool, JsonError> {
        self.at += 1;
        let mut has_escapes = false;
        loop {
            self.at += unescaped_length(&self.text[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                Some(_) => return Err(syntax(self.at, "a control character in a string")),
                None => return Err(syntax(self.at, "the text ends inside a string")),
            }
        }
    }

    #[cold]
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

    fn number(&mut self) -> Result<Form, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = if self.peek() == Some(b'0') {
            self.at += 1;
            1
        } else {
            self.digits()?
        };
        let mut fraction = 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            fraction = self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
            return Ok(Form::Number);
        }
        let is_canonical = number::is_canonical(&self.text[start..self.at], whole, fraction);
        Ok(if is_canonical { Form::Canonical } else { Form::Number })
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(syntax(self.at, "a digit expected")) } else { Ok(count) }
    }
}

pub(super) fn syntax(offset: usize, what: &'static str) -> JsonError {
    JsonError::Syntax { offset, what }
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
pub(super) fn decode(raw: &[u8], out: &mut Vec<u8>) {
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
