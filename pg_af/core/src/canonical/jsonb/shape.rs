//! The shapes of objects: which keys they have. Events of a kind have the same ones, in every entry and in the same bytes,
//! so their order and their text are kept ready.
//!
//! A shape is found by a hash, but is believed only where all bytes are the same that it was made from: what is kept can
//! be of no use, never wrong. It is made when keys are seen for the second time, so that a ledger whose keys are all
//! different does not pay for it, and forgotten between two values only.

use super::super::string::write_key;

/// So many shapes are kept, of so many keys, of so many bytes together.
const MAX_SHAPES: usize = 256;
const MAX_KEYS: usize = 32;
const MAX_BYTES: usize = 512;
/// Places to look for one.
const SLOTS: usize = 1024;

/// A text of at most so many bytes is written as if it had as many: that takes no longer than one byte.
const AT_ONCE: usize = 32;

/// An object's keys as they are stored: their `JEntry` words, and their bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) words: &'a [u8],
    pub(super) bytes: &'a [u8],
}

/// What is known of an object with certain keys.
#[derive(Debug)]
pub(super) struct Shape {
    words: Box<[u8]>,
    bytes: Box<[u8]>,
    /// In canonical order.
    members: Box<[Member]>,
    /// The keys with quotes, commas and colons, one after the other, and some bytes more.
    texts: Box<[u8]>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    /// The number of the key among those stored.
    stored: usize,
    /// Where its text is in `texts`.
    start: usize,
    end: usize,
}

impl Shape {
    /// Of keys whose canonical order is given as their numbers.
    fn new<'a>(keys: Keys<'_>, order: impl Iterator<Item = (usize, &'a [u8])>) -> Self {
        let mut texts = Vec::new();
        let members = order.enumerate().map(|(place, (stored, key))| {
            let start = texts.len();
            write_key(key, place == 0, &mut texts);
            Member { stored, start, end: texts.len() }
        });
        let members = members.collect();
        texts.resize(texts.len() + AT_ONCE, 0);
        Self { words: keys.words.into(), bytes: keys.bytes.into(), members, texts: texts.into() }
    }

    fn is_of(&self, keys: Keys<'_>) -> bool {
        *self.words == *keys.words && *self.bytes == *keys.bytes
    }

    /// How many members there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Of the member at `place` in canonical order, the number of its key among those stored, and what stands before its
    /// value: the bytes, and how many of them it is.
    #[inline]
    pub(super) fn member(&self, place: usize) -> (usize, Text<'_>) {
        let Member { stored, start, end } = self.members[place];
        (stored, Text { bytes: &self.texts[start..], length: end - start })
    }
}

/// A text, and what follows it.
pub(super) struct Text<'a> {
    bytes: &'a [u8],
    length: usize,
}

impl Text<'_> {
    #[inline]
    pub(super) fn write(&self, sink: &mut impl super::Sink) {
        if self.length <= AT_ONCE
            && let Some(from) = self.bytes.first_chunk::<AT_ONCE>()
            && let Some(to) = sink.spare(AT_ONCE).and_then(|spare| spare.first_chunk_mut())
        {
            *to = *from;
            return sink.advance(self.length);
        }
        sink.write(&self.bytes[..self.length]);
    }
}

/// Where a shape may be.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The hash of the keys that were here last.
    hash: u64,
    /// The number of their shape, counted from 1.
    shape: u16,
}

/// The shapes that were seen.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    slots: Vec<Slot>,
    shapes: Vec<Shape>,
}

/// What is to be done about keys.
pub(super) enum Found {
    /// They have the shape of this number.
    Known(usize),
    /// They are to be put in order, and are seen again: [`Shapes::keep`] wants to know the order.
    Again,
    /// They are to be put in order.
    New,
}

impl Shapes {
    /// To be called between two values: numbers of shapes are good until then.
    pub(super) fn make_room(&mut self) {
        if self.shapes.len() == MAX_SHAPES {
            self.shapes.clear();
            self.slots.clear();
        }
    }

    #[inline]
    pub(super) fn find(&mut self, keys: Keys<'_>) -> Found {
        if keys.words.len() > 4 * MAX_KEYS || keys.bytes.len() > MAX_BYTES || keys.words.is_empty() {
            return Found::New;
        }
        let hash = hash(keys);
        let Some(slot) = self.slots.get_mut(hash as usize % SLOTS) else {
            self.slots.resize(SLOTS, Slot::default());
            return Found::New;
        };
        if slot.hash != hash {
            *slot = Slot { hash, shape: 0 };
            return Found::New;
        }
        match usize::from(slot.shape).checked_sub(1) {
            Some(number) if self.shapes[number].is_of(keys) => Found::Known(number),
            None if self.shapes.len() < MAX_SHAPES => Found::Again,
            _ => Found::New,
        }
    }

    /// Keeps the order of keys for which [`Shapes::find`] has said [`Found::Again`].
    pub(super) fn keep<'a>(&mut self, keys: Keys<'_>, order: impl Iterator<Item = (usize, &'a [u8])>) {
        let hash = hash(keys);
        self.shapes.push(Shape::new(keys, order));
        // There are never more than MAX_SHAPES.
        self.slots[hash as usize % SLOTS] = Slot { hash, shape: self.shapes.len() as u16 };
    }

    #[inline]
    pub(super) fn get(&self, number: usize) -> &Shape {
        &self.shapes[number]
    }
}

/// A hash of the keys' lengths and of some of their bytes, never 0. Keys that come to the same share a place.
#[inline]
fn hash(keys: Keys<'_>) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let (eights, rest) = keys.words.as_chunks::<8>();
    let lengths =
        eights.iter().fold(keys.words.len() as u64, |hash, eight| mix(hash, u64::from_ne_bytes(*eight)));
    let lengths = rest.first_chunk().map_or(lengths, |four| mix(lengths, u32::from_ne_bytes(*four).into()));
    let first = keys.bytes.first_chunk().map_or(0, |eight| u64::from_ne_bytes(*eight));
    let last = keys.bytes.last_chunk().map_or(0, |eight| u64::from_ne_bytes(*eight));
    let hash = mix(mix(lengths, first), last);
    // The upper bits depend on most.
    (hash ^ hash >> 32) | 1 << 63
}
