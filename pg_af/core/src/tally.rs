//! The check of a whole chain from its entries in any order: quick to say that all is well, silent about what is not.
//!
//! Every entry's own hash is computed again as it comes. That the entries are one chain is then a question of two
//! collections being the same: the places that entries point to (`seq`, `prev_hash`), and the places that the entries
//! before offer (`seq + 1`, `hash`). Each is summed up modulo 2^128 by a pseudo-random function of its members, whose
//! key is drawn anew for each verification: the multiset hash MSet-Add-Hash of Clarke, Devadas, van Dijk, Gassend and
//! Suh (Incremental Multiset Hash Functions, ASIACRYPT 2003), with SipHash-2-4 of 128 bits as the function. Sums can be
//! taken in parts and added up, so that entries may be read in whatever order is fastest, by several readers.
//!
//! If the sums agree, and the first link is empty, there is exactly one entry at each position from 1 to the last, and
//! each names the one before: position by position, as many entries point there as are offered there, and at position
//! 1 that is one. Whoever wrote the entries did not know the key, so that chance alone makes other sums agree, once in
//! 2^128. Whatever does not agree is left to [`Verifier`](crate::chain::Verifier), which names it.

use siphasher::sip128::SipHasher24;
use uuid::Uuid;

use crate::chain::{ChainReport, Entry, Head};
use crate::digest::Digest;
use crate::record::RecordHasher;

/// The secret of one verification: 16 bytes that nobody could know when the entries were written.
pub struct Key(SipHasher24);

impl Key {
    /// A key of random bytes.
    pub fn new(bytes: &[u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(bytes))
    }

    /// What a place in a chain counts: the position, and the hash that the entry before it has.
    fn place(&self, seq: u64, hash: Option<&Digest>) -> u128 {
        // Position 1 alone has nothing before it, so that no hash can be mistaken for that.
        let mut text = [0; 40];
        text[..8].copy_from_slice(&seq.to_le_bytes());
        if let Some(hash) = hash {
            text[8..].copy_from_slice(hash.as_bytes());
        }
        self.0.hash(&text).as_u128()
    }
}

/// What the entries of one chain, or a part of them, add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// How many entries there are.
    entries: u64,
    /// The last position among them, and the hash there.
    last: (u64, Digest),
    /// The places offered less the places taken, modulo 2^128.
    sum: u128,
    /// Whether there is an entry that is not right by itself.
    has_faulty: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self { entries: 0, last: (0, Digest::from([0; 32])), sum: 0, has_faulty: false }
    }
}

impl Tally {
    /// The length of [`Tally::to_bytes`].
    pub const BYTES: usize = 8 + 8 + 32 + 16 + 1;

    /// Adds an entry.
    pub fn add(&mut self, entry: &Entry<'_>, key: &Key, hasher: &mut RecordHasher) {
        // One fault is enough for this chain to be walked.
        if self.has_faulty {
            return;
        }
        match sound(entry, hasher) {
            Some((seq, prev_hash, hash)) => {
                let offered = key.place(seq + 1, Some(&hash));
                let taken = key.place(seq, prev_hash.as_ref());
                self.sum = self.sum.wrapping_add(offered).wrapping_sub(taken);
                self.entries += 1;
                if seq > self.last.0 {
                    self.last = (seq, hash);
                }
            }
            None => self.has_faulty = true,
        }
    }

    /// Adds what other entries of the same chain, counted with the same key, add up to.
    pub fn merge(&mut self, other: &Self) {
        self.entries += other.entries;
        self.sum = self.sum.wrapping_add(other.sum);
        self.has_faulty |= other.has_faulty;
        if other.last.0 > self.last.0 {
            self.last = other.last;
        }
    }

    /// The report on the chain, if the entries are all of an intact one; `None` if it has to be walked.
    pub fn report(&self, tenant_id: Uuid, key: &Key) -> Option<ChainReport> {
        let (seq, hash) = self.last;
        let whole = key.place(seq + 1, Some(&hash)).wrapping_sub(key.place(1, None));
        let is_intact = !self.has_faulty && self.entries > 0 && self.entries == seq && self.sum == whole;
        is_intact.then(|| ChainReport {
            entries: self.entries,
            head: Some(Head { seq: seq.cast_signed(), hash: Some(hash) }),
            ..ChainReport::empty(Some(tenant_id))
        })
    }

    /// For another process.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.entries.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.last.0.to_le_bytes());
        bytes[16..48].copy_from_slice(self.last.1.as_bytes());
        bytes[48..64].copy_from_slice(&self.sum.to_le_bytes());
        bytes[64] = u8::from(self.has_faulty);
        bytes
    }

    /// From another process; `None` unless [`Tally::to_bytes`] made them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.split_first_chunk()?;
        let (last_seq, rest) = rest.split_first_chunk()?;
        let (last_hash, rest) = rest.split_first_chunk::<32>()?;
        let (sum, rest) = rest.split_first_chunk()?;
        let has_faulty = match rest {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        Some(Self {
            entries: u64::from_le_bytes(*entries),
            last: (u64::from_le_bytes(*last_seq), Digest::from(*last_hash)),
            sum: u128::from_le_bytes(*sum),
            has_faulty,
        })
    }
}

/// Position, link and hash of an entry that is right by itself.
fn sound(entry: &Entry<'_>, hasher: &mut RecordHasher) -> Option<(u64, Option<Digest>, Digest)> {
    let seq = u64::try_from(entry.seq?).ok().filter(|seq| *seq >= 1)?;
    let prev_hash = match entry.prev_hash {
        None if seq == 1 => None,
        None => return None,
        Some(_) if seq == 1 => return None,
        Some(prev_hash) => Some(Digest::from_slice(prev_hash)?),
    };
    let hash = Digest::from_slice(entry.hash?)?;
    let computed = hasher.hash(entry.prev_hash, entry.record.as_ref().ok()?).ok()?;
    (hash == computed).then_some((seq, prev_hash, hash))
}
