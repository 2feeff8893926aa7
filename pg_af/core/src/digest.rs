//! SHA-256 digests (FIPS 180-4), their hexadecimal form, and hashing without a copy of the input.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

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
/// whole runs of blocks.
#[derive(Clone)]
pub(crate) struct HashSink {
    buffer: [u8; HashSink::CAPACITY],
    filled: usize,
    hashed: u64,
    state: Sha256,
}

impl HashSink {
    /// A multiple of SHA-256's 64-byte block; most records fit whole.
    const CAPACITY: usize = 4096;

    pub(crate) fn new() -> Self {
        Self { buffer: [0; Self::CAPACITY], filled: 0, hashed: 0, state: Sha256::new() }
    }

    /// How many bytes were written.
    pub(crate) fn length(&self) -> u64 {
        self.hashed + self.filled as u64
    }

    /// The digest of all that was written; the sink is as new afterwards.
    pub(crate) fn finish(&mut self) -> Digest {
        self.state.update(&self.buffer[..self.filled]);
        (self.filled, self.hashed) = (0, 0);
        Digest(self.state.finalize_reset().into())
    }

    /// Forgets what was written, for a record that turned out unreadable half-way.
    pub(crate) fn reset(&mut self) {
        self.state.reset();
        (self.filled, self.hashed) = (0, 0);
    }
}

impl HashSink {
    /// Hashes what has gathered, and then takes bytes for which there was no room.
    #[cold]
    fn overflow(&mut self, bytes: &[u8]) {
        self.state.update(&self.buffer[..self.filled]);
        self.hashed += self.filled as u64;
        self.filled = 0;
        if bytes.len() < Self::CAPACITY {
            self.buffer[..bytes.len()].copy_from_slice(bytes);
            self.filled = bytes.len();
        } else {
            self.state.update(bytes);
            self.hashed += bytes.len() as u64;
        }
    }
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
