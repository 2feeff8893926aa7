//! Canonical JSON: one byte sequence for each JSON value.
//!
//! RFC 8785 (JCS), made lossless for numbers: where the ECMAScript text of the nearest double is
//! exactly the number, that text is written, otherwise the number's exact plain decimal digits.
//! So every I-JSON value (RFC 7493) comes out as RFC 8785 says, numbers that a double would merge
//! stay apart, and two `jsonb` values are equal exactly when their canonical forms are.
//!
//! Values are read from PostgreSQL's binary `jsonb` (`jsonb.rs`) or from text (`text.rs`) and written
//! straight into a [`Sink`]; no tree of the value is built. Both readers take hostile input: whatever
//! the bytes, they return a value or an error, in time and memory linear in the input.

mod jsonb;
mod number;
mod string;
mod text;

pub(crate) use number::{decimal_pair, write_integer};
pub(crate) use string::{write_string, write_uuid};
pub(crate) use text::read_string;

/// How deep containers may be nested.
///
/// More than PostgreSQL stores within its default stack limit, and little enough that hostile
/// nesting cannot exhaust memory.
pub const MAX_DEPTH: usize = 65_536;

/// Where canonical bytes go.
pub trait Sink {
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]);

    /// The place where the next `length` bytes would go, to be filled and then taken over by [`Sink::advance`]; `None`
    /// from a sink that has no such place. What is filled and not taken over is as if it had never been.
    #[inline]
    fn spare(&mut self, length: usize) -> Option<&mut [u8]> {
        let _ = length;
        None
    }

    /// Takes over the first `length` bytes of the place that [`Sink::spare`] gave last.
    #[inline]
    fn advance(&mut self, length: usize) {
        let _ = length;
    }
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A JSON value to be brought into canonical form.
#[derive(Debug, Clone, Copy)]
pub enum Json<'a> {
    /// The binary form in which PostgreSQL stores `jsonb`, without its varlena header
    /// (`src/include/utils/jsonb.h`), in this machine's byte order.
    Jsonb(&'a [u8]),
    /// JSON text (RFC 8259) in UTF-8.
    Text(&'a [u8]),
}

/// Why a value has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The bytes are not a `jsonb` value as PostgreSQL writes it.
    #[error("damaged jsonb: {0}")]
    Damaged(&'static str),
    /// The text is not JSON.
    #[error("invalid JSON at byte {offset}: {what}")]
    Syntax {
        /// Where, counted from 0.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// An object has the same key twice.
    #[error("an object has the same key twice")]
    DuplicateKey,
    /// Containers are nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A number beyond what PostgreSQL's `numeric` can hold.
    #[error("a number is outside the range of numeric")]
    NumberOutOfRange,
}

/// Writes values in canonical form, keeping its scratch space from one value to the next.
#[derive(Debug, Default)]
pub struct Canonicalizer {
    jsonb: jsonb::Walker,
    text: text::Walker,
}

impl Canonicalizer {
    /// Writes `value` into `sink`. After an error the sink holds an unfinished part of it.
    pub fn write(&mut self, value: Json<'_>, sink: &mut impl Sink) -> Result<(), JsonError> {
        match value {
            Json::Jsonb(bytes) => self.jsonb.write(bytes, sink),
            Json::Text(bytes) => self.text.write(bytes, sink),
        }
    }

    /// By how many bytes PostgreSQL's own text of the `jsonb` last written may be longer than its
    /// canonical text. `1e300` is five characters here and 301 there.
    pub fn jsonb_text_excess(&self) -> u64 {
        self.jsonb.excess()
    }
}
