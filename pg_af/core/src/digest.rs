//! SHA-256 digests (FIPS 180-4), their hexadecimal form, and hashing without a copy of the input.

use std::fmt;
use std::str::FromStr;

use af_sha256::{Block, INITIAL, State, compress, compress_two};

use crate::canonical::Sink;

/// A SHA-256 value: 32 bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest held in `bytes`, or `None` unless they are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Why a text is not a [`Digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: 64 hexadecimal digits wanted")]
pub struct ParseDigestError;

impl FromStr for Digest {
    type Err = ParseDigestError;

    /// Reads 64 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseDigestError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = hex_value(pair[0]) << 4 | hex_value(pair[1]);
        }
        Ok(Self(bytes))
    }
}

/// The value of an ASCII hexadecimal digit; the caller has checked that it is one.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// A [`Sink`] that hashes what is written to it, in constant memory.
///
/// The canonical writer emits a few bytes at a time; they are gathered here so that SHA-256 sees
/// whole runs of blocks, where they stand.
#[derive(Clone)]
pub(crate) struct HashSink {
    buffer: [u8; HashSink::CAPACITY],
    filled: usize,
    hashed: u64,
    state: State,
}

impl HashSink {
    /// A multiple of SHA-256's 64-byte block; most records fit whole.
    const CAPACITY: usize = 4096;

    pub(crate) fn new() -> Self {
        Self { buffer: [0; Self::CAPACITY], filled: 0, hashed: 0, state: INITIAL }
    }

    /// How many bytes were written.
    pub(crate) fn length(&self) -> u64 {
        self.hashed + self.filled as u64
    }

    /// The digest of all that was written; the sink is as new afterwards.
    pub(crate) fn finish(&mut self) -> Digest {
        let end = self.pad();
        compress(&mut self.state, blocks(&self.buffer[..end]));
        self.take()
    }

    /// [`HashSink::finish`] of two at a time, which takes little longer than one (`af_sha256`).
    pub(crate) fn finish_two(sinks: &mut [Self; 2]) -> [Digest; 2] {
        let ends = [sinks[0].pad(), sinks[1].pad()];
        let [one, other] = sinks;
        let texts = [blocks(&one.buffer[..ends[0]]), blocks(&other.buffer[..ends[1]])];
        compress_two([&mut one.state, &mut other.state], texts);
        [one.take(), other.take()]
    }

    /// Forgets what was written, for a record that turned out unreadable half-way.
    pub(crate) fn reset(&mut self) {
        (self.filled, self.hashed, self.state) = (0, 0, INITIAL);
    }

    /// The digest, once all blocks are hashed.
    fn take(&mut self) -> Digest {
        let mut bytes = [0; 32];
        for (four, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.state) {
            *four = word.to_be_bytes();
        }
        self.reset();
        Digest(bytes)
    }

    /// Puts the padding behind what has gathered (FIPS 180-4 section 5.1.1); returns where it ends.
    fn pad(&mut self) -> usize {
        const LENGTH: usize = size_of::<u64>();
        let bits = 8 * self.length();
        if self.filled + 1 + LENGTH > Self::CAPACITY {
            self.compress_gathered();
        }
        let end = (self.filled + 1 + LENGTH).next_multiple_of(size_of::<Block>());
        self.buffer[self.filled] = 0x80;
        self.buffer[self.filled + 1..end - LENGTH].fill(0);
        self.buffer[end - LENGTH..end].copy_from_slice(&bits.to_be_bytes());
        end
    }

    /// Hashes the whole blocks that have gathered, and moves what is left to the front.
    fn compress_gathered(&mut self) {
        let whole = blocks(&self.buffer[..self.filled]);
        compress(&mut self.state, whole);
        let length = size_of_val(whole);
        self.buffer.copy_within(length..self.filled, 0);
        self.filled -= length;
        self.hashed += length as u64;
    }

    /// Takes bytes for which there is no room.
    #[cold]
    fn overflow(&mut self, bytes: &[u8]) {
        self.compress_gathered();
        let mut rest = bytes;
        // What has gathered is less than a block: with it, the first of them.
        let (first, behind) = rest.split_at(rest.len().min(size_of::<Block>() - self.filled));
        self.gather(first);
        rest = behind;
        if self.filled == size_of::<Block>() {
            self.compress_gathered();
        }
        let whole = blocks(rest);
        compress(&mut self.state, whole);
        self.hashed += size_of_val(whole) as u64;
        self.gather(&rest[size_of_val(whole)..]);
    }

    /// Takes bytes for which there is room.
    fn gather(&mut self, bytes: &[u8]) {
        self.buffer[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }
}

/// The whole blocks at the start.
fn blocks(bytes: &[u8]) -> &[Block] {
    bytes.as_chunks().0
}

impl Sink for HashSink {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        match self.spare(bytes.len()) {
            Some(spare) => {
                spare.copy_from_slice(bytes);
                self.advance(bytes.len());
            }
            None => self.overflow(bytes),
        }
    }

    #[inline]
    fn spare(&mut self, length: usize) -> Option<&mut [u8]> {
        self.buffer[self.filled..].get_mut(..length)
    }

    #[inline]
    fn advance(&mut self, length: usize) {
        self.filled += length;
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// FIPS 180-4 examples: SHA-256 of "abc" and of nothing.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn hashes_what_is_written_and_starts_anew() {
        let mut sink = HashSink::new();
        sink.write(b"a");
        sink.write(b"bc");
        assert_eq!(sink.finish().to_string(), ABC);
        sink.write(b"forgotten");
        sink.reset();
        assert_eq!(sink.finish().to_string(), EMPTY);
    }

    #[test]
    fn pieces_of_any_size_hash_like_the_whole() {
        let input: Vec<u8> = (0..10_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        let whole = Digest(Sha256::digest(&input).into());
        for size in [1, 63, 64, 65, 4095, 4096, 4097, 9_999] {
            let mut sink = HashSink::new();
            input.chunks(size).for_each(|piece| sink.write(piece));
            assert_eq!(sink.length(), 10_000);
            assert_eq!(sink.finish(), whole, "pieces of {size}");
        }
    }

    /// Of every length around the borders of blocks and of the buffer, and whatever is hashed with it.
    #[test]
    fn texts_of_any_length_hash_like_those_of_sha2() {
        let input: Vec<u8> = (0..9_000_u32).map(|i| (i * 7).to_le_bytes()[0]).collect();
        let lengths = (0..200).chain(4000..4200).chain(8100..8300);
        let expected = |length: usize| Digest(Sha256::digest(&input[..length]).into());
        let mut sinks = [HashSink::new(), HashSink::new()];
        for length in lengths {
            // At once, and with the last bytes apart, as a record ends.
            let (start, end) = input[..length].split_at(length.saturating_sub(20));
            for other in [0, 100, 5_000] {
                sinks[0].write(start);
                sinks[0].write(end);
                sinks[1].write(&input[..other]);
                assert_eq!(
                    HashSink::finish_two(&mut sinks),
                    [length, other].map(expected),
                    "{length} and {other}"
                );
            }
            sinks[1].write(&input[..length]);
            assert_eq!(sinks[1].length(), length as u64);
            assert_eq!(sinks[1].finish(), expected(length), "{length}");
        }
    }

    #[test]
    fn hex_round_trips_and_refuses_the_rest() {
        let digest: Digest = ABC.parse().unwrap();
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(ABC.to_uppercase().parse(), Ok(digest));
        let not_hex = "g".repeat(64);
        let two_bytes_each = "é".repeat(32);
        for bad in ["", "ba78", &ABC[1..], not_hex.as_str(), two_bytes_each.as_str()] {
            assert_eq!(bad.parse::<Digest>(), Err(ParseDigestError), "{bad}");
        }
        assert_eq!(Digest::from_slice(&[0; 31]), None);
    }
}
