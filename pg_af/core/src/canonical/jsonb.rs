//! Canonical form straight from PostgreSQL's binary `jsonb`.
//!
//! The layout (`src/include/utils/jsonb.h`, unchanged since 9.4): a container is a header word with
//! the number of its members and its kind, then one word (`JEntry`) per element, or per key and then
//! per value, then the data. A `JEntry` has a type and either the length of its data or, in every
//! 32nd, the offset of its end. Numbers and containers are aligned to 4 bytes. A scalar at the top is
//! an array of one with a flag.
//!
//! The bytes may have been chosen by an attacker who writes to the data files. Hence no offset is
//! used unchecked, children lie inside their parent's data and behind their elder siblings (so
//! that the walk is linear), and nesting is on a stack of our own (so that it cannot overflow).

mod shape;

use shape::{Found, Keys, Shapes};

use super::number::{Decimal, decimal_pair, write_integer};
use super::string::{cmp_utf16, utf16_prefix, write_key, write_string};
use super::{JsonError, MAX_DEPTH, Sink};

#[cfg(target_endian = "big")]
compile_error!("the varlena headers inside jsonb are read in their little-endian layout");

// Container header: count and kind (JB_CMASK, JB_FSCALAR, JB_FOBJECT, JB_FARRAY).
const COUNT_MASK: u32 = 0x0fff_ffff;
const IS_SCALAR: u32 = 0x1000_0000;
const IS_OBJECT: u32 = 0x2000_0000;
const IS_ARRAY: u32 = 0x4000_0000;
const KIND_MASK: u32 = 0xf000_0000;

// JEntry: type, and length or end offset (JENTRY_OFFLENMASK, JENTRY_TYPEMASK, JENTRY_HAS_OFF).
const LENGTH_MASK: u32 = 0x0fff_ffff;
const TYPE_MASK: u32 = 0x7000_0000;
const HAS_OFFSET: u32 = 0x8000_0000;
const STRING: u32 = 0x0000_0000;
const NUMERIC: u32 = 0x1000_0000;
const FALSE: u32 = 0x2000_0000;
const TRUE: u32 = 0x3000_0000;
const NULL: u32 = 0x4000_0000;
const CONTAINER: u32 = 0x5000_0000;

const CUT_SHORT: JsonError = JsonError::Damaged("a length or offset points outside the value");

/// A value's place in the whole: its type and the bytes that its `JEntry` gives it.
#[derive(Debug, Clone, Copy)]
struct Item {
    kind: u32,
    start: usize,
    end: usize,
}

/// A member of an object: the bytes of its key, what they are ordered by first, and its value.
#[derive(Debug, Clone, Copy)]
struct Member {
    prefix: u64,
    key: (usize, usize),
    value: Item,
}

/// A container that is being written.
#[derive(Debug, Clone, Copy)]
enum Frame {
    Array(Entries),
    Object(Members),
    Shaped(Shaped),
}

/// The members of an object that are still to come, as a range of the walker's sorted `members`.
#[derive(Debug, Clone, Copy)]
struct Members {
    first: usize,
    next: usize,
    end: usize,
}

/// The same of an object whose shape is known.
#[derive(Debug, Clone, Copy)]
struct Shaped {
    /// The number of the shape.
    shape: usize,
    /// Where its values begin in the walker's `values`.
    first: usize,
    next: usize,
}

/// Reads `JEntry` words one after the other.
#[derive(Debug, Clone, Copy)]
struct Entries {
    /// Where the next word is, and how many there are yet.
    at: usize,
    left: usize,
    started: bool,
    /// Where the container's data starts, where the last entry's ended, and where they must end.
    base: usize,
    offset: usize,
    limit: usize,
}

impl Entries {
    /// Passes over so many words, whose data have so many bytes.
    fn skip(&mut self, count: usize, length: usize) {
        self.at += 4 * count;
        self.left -= count;
        self.offset = length;
    }

    // Once for each key and value: worth having where it is called.
    #[inline(always)]
    fn next(&mut self, bytes: &[u8]) -> Result<Item, JsonError> {
        let entry = word(bytes, self.at)?;
        let length = (entry & LENGTH_MASK) as usize;
        let end = if entry & HAS_OFFSET != 0 { length } else { self.offset + length };
        if end < self.offset || end > self.limit - self.base {
            return Err(CUT_SHORT);
        }
        let item = Item { kind: entry & TYPE_MASK, start: self.base + self.offset, end: self.base + end };
        self.at += 4;
        self.left -= 1;
        self.started = true;
        self.offset = end;
        Ok(item)
    }
}

/// Walks a `jsonb` value; keeps its stack and its index of members for the next one.
#[derive(Debug, Default)]
pub(super) struct Walker {
    frames: Vec<Frame>,
    members: Vec<Member>,
    /// The values of objects whose shape is known, in the order in which they are stored.
    values: Vec<Item>,
    shapes: Shapes,
    digits: Vec<u8>,
    excess: u64,
}

impl Walker {
    /// By how much PostgreSQL's own text of the value last written may be longer than the canonical one:
    /// it has a space behind each comma and colon, and numbers without exponents, with all their zeros.
    pub(super) fn excess(&self) -> u64 {
        self.excess
    }

    /// Writes the value whose bytes, without varlena header, are given.
    pub(super) fn write(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), JsonError> {
        self.frames.clear();
        self.members.clear();
        self.values.clear();
        self.shapes.make_room();
        self.excess = 0;
        let header = word(bytes, 0)?;
        if header & KIND_MASK == IS_ARRAY | IS_SCALAR {
            if header & COUNT_MASK != 1 {
                return Err(JsonError::Damaged("a scalar that is not one value"));
            }
            let scalar = entries(bytes, 4, 1, 1, bytes.len())?.next(bytes)?;
            return self.write_scalar(bytes, scalar, sink);
        }
        let mut frame = self.open(bytes, 0, bytes.len(), sink)?;
        loop {
            let inner = match &mut frame {
                Frame::Array(rest) => self.write_elements(bytes, rest, sink)?,
                Frame::Object(rest) => self.write_members(bytes, rest, sink)?,
                Frame::Shaped(rest) => self.write_shaped(bytes, rest, sink)?,
            };
            if let Some(item) = inner {
                // Left until the container in it is written.
                if self.frames.len() + 1 == MAX_DEPTH {
                    return Err(JsonError::TooDeep);
                }
                self.frames.push(frame);
                frame = self.open(bytes, align(item.start), item.end, sink)?;
            } else if let Some(outer) = self.frames.pop() {
                frame = outer;
            } else {
                return Ok(());
            }
        }
    }

    /// Writes the elements up to the next that is a container, which is returned, or up to the array's end.
    fn write_elements(
        &mut self,
        bytes: &[u8],
        rest: &mut Entries,
        sink: &mut impl Sink,
    ) -> Result<Option<Item>, JsonError> {
        while rest.left > 0 {
            if rest.started {
                sink.write(b",");
                self.excess += 1;
            }
            let item = rest.next(bytes)?;
            if item.kind == CONTAINER {
                return Ok(Some(item));
            }
            self.write_scalar(bytes, item, sink)?;
        }
        sink.write(b"]");
        Ok(None)
    }

    /// Writes the members up to the next whose value is a container, which is returned, or up to the object's end.
    fn write_members(
        &mut self,
        bytes: &[u8],
        rest: &mut Members,
        sink: &mut impl Sink,
    ) -> Result<Option<Item>, JsonError> {
        while rest.next < rest.end {
            let is_first = rest.next == rest.first;
            let member = self.members[rest.next];
            rest.next += 1;
            write_key(&bytes[member.key.0..member.key.1], is_first, sink);
            self.excess += if is_first { 1 } else { 2 };
            if member.value.kind == CONTAINER {
                return Ok(Some(member.value));
            }
            self.write_scalar(bytes, member.value, sink)?;
        }
        sink.write(b"}");
        self.members.truncate(rest.first);
        Ok(None)
    }

    /// Writes the members of an object of known shape, as `write_members` does.
    fn write_shaped(
        &mut self,
        bytes: &[u8],
        rest: &mut Shaped,
        sink: &mut impl Sink,
    ) -> Result<Option<Item>, JsonError> {
        let shape = self.shapes.get(rest.shape);
        let values = &self.values[rest.first..];
        while rest.next < shape.len() {
            let (stored, text) = shape.member(rest.next);
            rest.next += 1;
            text.write(sink);
            let value = values[stored];
            if value.kind == CONTAINER {
                return Ok(Some(value));
            }
            self.excess += write_scalar(bytes, value, &mut self.digits, sink)?;
        }
        sink.write(b"}");
        self.values.truncate(rest.first);
        Ok(None)
    }

    fn write_scalar(&mut self, bytes: &[u8], item: Item, sink: &mut impl Sink) -> Result<(), JsonError> {
        self.excess += write_scalar(bytes, item, &mut self.digits, sink)?;
        Ok(())
    }

    /// Starts on the container at `start`, all of which lies before `end`.
    fn open(
        &mut self,
        bytes: &[u8],
        start: usize,
        end: usize,
        sink: &mut impl Sink,
    ) -> Result<Frame, JsonError> {
        let header = word(bytes, start)?;
        let count = (header & COUNT_MASK) as usize;
        match header & KIND_MASK {
            IS_ARRAY => {
                sink.write(b"[");
                Ok(Frame::Array(entries(bytes, start + 4, count, count, end)?))
            }
            IS_OBJECT => {
                sink.write(b"{");
                self.open_object(bytes, start + 4, count, end)
            }
            _ => Err(JsonError::Damaged("an unknown kind of container")),
        }
    }

    /// Puts the members of an object in canonical order, or finds it as it was the last time.
    fn open_object(&mut self, bytes: &[u8], at: usize, count: usize, end: usize) -> Result<Frame, JsonError> {
        let mut rest = entries(bytes, at, 2 * count, 2 * count, end)?;
        let (words, base) = (&bytes[at..at + 4 * count], rest.base);
        let length = keys_length(words);
        // What no key can be will be told where they are looked at one by one.
        let keys = bytes[base..end].get(..length).map(|bytes| Keys { words, bytes });
        let found = keys.map_or(Found::New, |keys| self.shapes.find(keys));
        if let Found::Known(shape) = found {
            rest.skip(count, length);
            let first = self.values.len();
            self.values.reserve(count);
            for _ in 0..count {
                self.values.push(rest.next(bytes)?);
            }
            // A space behind each comma and colon.
            self.excess += 2 * count as u64 - 1;
            return Ok(Frame::Shaped(Shaped { shape, first, next: 0 }));
        }
        let first = self.members.len();
        self.index_members(bytes, at, count, end)?;
        let members = &self.members[first..];
        if let (Found::Again, Some(keys)) = (found, keys) {
            let stored = |key| members.iter().filter(|other| other.key < key).count();
            let order = members.iter().map(|member| (stored(member.key), &bytes[member.key.0..member.key.1]));
            self.shapes.keep(keys, order);
        }
        Ok(Frame::Object(Members { first, next: first, end: self.members.len() }))
    }

    /// Appends an object's members in canonical order to `members`.
    fn index_members(&mut self, bytes: &[u8], at: usize, count: usize, end: usize) -> Result<(), JsonError> {
        let mut rest = entries(bytes, at, 2 * count, 2 * count, end)?;
        let first = self.members.len();
        self.members.reserve(count);
        for _ in 0..count {
            let key = rest.next(bytes)?;
            if key.kind != STRING {
                return Err(JsonError::Damaged("a key that is not a string"));
            }
            let prefix = utf16_prefix(bytes, key.start, key.end);
            self.members.push(Member { prefix, key: (key.start, key.end), value: key });
        }
        let added = &mut self.members[first..];
        for member in added.iter_mut() {
            member.value = rest.next(bytes)?;
        }
        let key = |member: &Member| &bytes[member.key.0..member.key.1];
        added.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| cmp_utf16(key(a), key(b))));
        let is_same = |a: &Member, b: &Member| a.prefix == b.prefix && key(a) == key(b);
        if added.windows(2).any(|pair| is_same(&pair[0], &pair[1])) {
            return Err(JsonError::DuplicateKey);
        }
        Ok(())
    }
}

/// Writes a value that is no container. Returns by how much PostgreSQL's own text of it may be longer.
#[inline]
fn write_scalar(
    bytes: &[u8],
    item: Item,
    digits: &mut Vec<u8>,
    sink: &mut impl Sink,
) -> Result<u64, JsonError> {
    match item.kind {
        STRING => write_string(&bytes[item.start..item.end], sink),
        NUMERIC => {
            let numeric = bytes.get(align(item.start)..item.end).ok_or(CUT_SHORT)?;
            return write_numeric(numeric, digits, sink);
        }
        FALSE => sink.write(b"false"),
        TRUE => sink.write(b"true"),
        NULL => sink.write(b"null"),
        CONTAINER => return Err(JsonError::Damaged("a container where a scalar must be")),
        _ => return Err(JsonError::Damaged("an unknown type of value")),
    }
    Ok(0)
}

/// How many bytes the keys have together whose `JEntry` words these are, if they are what they should be.
#[inline]
fn keys_length(words: &[u8]) -> usize {
    let (words, _) = words.as_chunks();
    words.iter().map(|word| u32::from_ne_bytes(*word)).fold(0, |before, entry| {
        let length = (entry & LENGTH_MASK) as usize;
        if entry & HAS_OFFSET != 0 { length } else { before + length }
    })
}

/// A reader of the `count` words at `at`, whose `words` words are followed by data up to `limit`.
fn entries(bytes: &[u8], at: usize, count: usize, words: usize, limit: usize) -> Result<Entries, JsonError> {
    let base = at + 4 * words;
    if base > limit || limit > bytes.len() {
        return Err(CUT_SHORT);
    }
    Ok(Entries { at, left: count, started: false, base, offset: 0, limit })
}

fn align(offset: usize) -> usize {
    offset.next_multiple_of(4)
}

fn word(bytes: &[u8], at: usize) -> Result<u32, JsonError> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|word| u32::from_ne_bytes(*word)).ok_or(CUT_SHORT)
}

/// Writes a `numeric` (`src/backend/utils/adt/numeric.c`): a varlena of 16-bit words, a header with
/// sign, weight and display scale, then digits of base 10,000. The display scale (how many digits
/// behind the point are printed) is no part of the value.
///
/// Returns how long PostgreSQL's own text of it is at the most.
fn write_numeric(varlena: &[u8], digits: &mut Vec<u8>, sink: &mut impl Sink) -> Result<u64, JsonError> {
    // NUMERIC_SIGN_MASK and what it tells apart; the short form's fields.
    const SIGN_MASK: u16 = 0xc000;
    const NEGATIVE: u16 = 0x4000;
    const SHORT: u16 = 0x8000;
    const SPECIAL: u16 = 0xc000;
    const SHORT_NEGATIVE: u16 = 0x2000;
    const SHORT_WEIGHT_SIGN: u16 = 0x0040;
    const SHORT_WEIGHT: u16 = 0x003f;
    const SHORT_SCALE: u16 = 0x1f80;
    const SHORT_SCALE_SHIFT: u32 = 7;
    const SCALE: u16 = 0x3fff;

    let body = varlena_body(varlena)?;
    if body.len() % 2 != 0 {
        return Err(JsonError::Damaged("a number of half a digit"));
    }
    let mut words = body.chunks_exact(2).map(|word| u16::from_ne_bytes([word[0], word[1]]));
    let header = words.next().ok_or(CUT_SHORT)?;
    let (negative, weight, scale) = match header & SIGN_MASK {
        SPECIAL => return Err(JsonError::Damaged("a number that is not finite")),
        SHORT => {
            let low = (header & SHORT_WEIGHT) as i32;
            let weight = if header & SHORT_WEIGHT_SIGN != 0 { low - 64 } else { low };
            (header & SHORT_NEGATIVE != 0, weight, (header & SHORT_SCALE) >> SHORT_SCALE_SHIFT)
        }
        sign => {
            let weight = words.next().ok_or(CUT_SHORT)?.cast_signed();
            (sign == NEGATIVE, i32::from(weight), header & SCALE)
        }
    };

    // A sign, at least one digit, a point, and the digits behind it.
    let whole_digits = u64::try_from(4 * (weight + 1)).unwrap_or(0);
    let printed = 3 + whole_digits + u64::from(scale);

    // Most numbers are integers below 10^12, which are written as they are: three digits of base 10,000, of which zeros at
    // the end are not stored.
    let missing = i64::from(weight) + 1 - words.len() as i64;
    if words.len() >= 1 && weight < 3 && missing >= 0 {
        let mut value = 0;
        for digit in words {
            if digit >= 10_000 {
                return Err(BAD_DIGIT);
            }
            value = value * 10_000 + i64::from(digit);
        }
        for _ in 0..missing {
            value *= 10_000;
        }
        write_integer(if negative { -value } else { value }, sink);
        return Ok(printed);
    }
    digits.clear();
    for digit in words {
        if digit >= 10_000 {
            return Err(BAD_DIGIT);
        }
        digits.extend_from_slice(&decimal_pair((digit / 100) as u8));
        digits.extend_from_slice(&decimal_pair((digit % 100) as u8));
    }
    Decimal::new(negative, digits, (weight + 1) * 4).write(sink);
    Ok(printed)
}

const BAD_DIGIT: JsonError = JsonError::Damaged("a digit above 9999 in a number");

/// What an inline, uncompressed varlena holds (`src/include/varatt.h`, little-endian).
fn varlena_body(varlena: &[u8]) -> Result<&[u8], JsonError> {
    let first = *varlena.first().ok_or(CUT_SHORT)?;
    let (header, total) = if first & 1 == 1 && first != 1 {
        (1, usize::from(first >> 1))
    } else if first & 3 == 0 {
        (4, (word(varlena, 0)? >> 2) as usize)
    } else {
        return Err(JsonError::Damaged("a compressed or external number"));
    };
    varlena.get(header..total).ok_or(CUT_SHORT)
}
