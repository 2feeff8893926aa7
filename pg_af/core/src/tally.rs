//! The check of whole chains from their entries in any order: quick to say that all is well, silent about what is not.
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

mod count;
mod place;

use std::collections::BTreeMap;

use uuid::Uuid;

pub use count::Count;
pub use place::Key;

use crate::chain::{ChainReport, Head};
use crate::digest::Digest;

/// More chains than this are not added up: what is kept of each is in memory until the end.
pub const MAX_CHAINS: usize = 1 << 20;

/// What the entries of one chain, or a part of them, add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tally {
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
    const BYTES: usize = 8 + 8 + 32 + 16 + 1;

    /// Adds what other entries of the same chain, counted with the same key, add up to.
    fn merge(&mut self, other: &Self) {
        self.entries += other.entries;
        self.sum = self.sum.wrapping_add(other.sum);
        self.has_faulty |= other.has_faulty;
        if other.last.0 > self.last.0 {
            self.last = other.last;
        }
    }

    /// The report on the chain, if the entries are all of an intact one; `None` if it has to be walked.
    fn report(&self, tenant_id: Uuid, key: &Key) -> Option<ChainReport> {
        let (seq, hash) = self.last;
        let whole = key.place(seq + 1, Some(&hash)).wrapping_sub(key.place(1, None));
        let is_intact = !self.has_faulty && self.entries > 0 && self.entries == seq && self.sum == whole;
        is_intact.then(|| ChainReport {
            entries: self.entries,
            head: Some(Head { seq: seq.cast_signed(), hash: Some(hash) }),
            ..ChainReport::empty(Some(tenant_id))
        })
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.entries.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.last.0.to_le_bytes());
        bytes[16..48].copy_from_slice(self.last.1.as_bytes());
        bytes[48..64].copy_from_slice(&self.sum.to_le_bytes());
        bytes[64] = u8::from(self.has_faulty);
        bytes
    }

    /// `None` unless [`Tally::to_bytes`] made them.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
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

/// What the entries of all chains, or a part of them, add up to. [`Count`] makes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tallies {
    chains: BTreeMap<Uuid, Tally>,
    /// Whether there are entries that are in nobody's chain.
    has_ownerless: bool,
    /// Whether there are more chains than are added up. Then of none is anything known.
    is_overfull: bool,
}

/// What is known of a chain, of which an entry was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tallied {
    /// Whose it is.
    pub tenant_id: Option<Uuid>,
    /// The report on it, if it is intact; otherwise it has to be walked.
    pub intact: Option<ChainReport>,
}

impl Tallies {
    const OWNERLESS: u8 = 1;
    const OVERFULL: u8 = 2;

    /// Adds what other entries, counted with the same key, add up to.
    pub fn merge(&mut self, other: &Self) {
        self.has_ownerless |= other.has_ownerless;
        self.is_overfull |= other.is_overfull;
        for (tenant_id, tally) in &other.chains {
            self.chains.entry(*tenant_id).or_default().merge(tally);
        }
        if self.chains.len() > MAX_CHAINS {
            self.is_overfull = true;
        }
        if self.is_overfull {
            self.chains.clear();
        }
    }

    /// What is known of each chain, in the order of tenants, who has none last; `None` if all have to be walked, since
    /// they are too many.
    pub fn chains(&self, key: &Key) -> Option<Vec<Tallied>> {
        if self.is_overfull {
            return None;
        }
        let known = self.chains.iter().map(|(tenant_id, tally)| Tallied {
            tenant_id: Some(*tenant_id),
            intact: tally.report(*tenant_id, key),
        });
        let ownerless = self.has_ownerless.then_some(Tallied { tenant_id: None, intact: None });
        Some(known.chain(ownerless).collect())
    }

    /// For another process.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.chains.len() * (size_of::<Uuid>() + Tally::BYTES));
        let flag = |is_set, bit| if is_set { bit } else { 0 };
        bytes.push(flag(self.has_ownerless, Self::OWNERLESS) | flag(self.is_overfull, Self::OVERFULL));
        for (tenant_id, tally) in &self.chains {
            bytes.extend_from_slice(tenant_id.as_bytes());
            bytes.extend_from_slice(&tally.to_bytes());
        }
        bytes
    }

    /// From another process; `None` unless [`Tallies::to_bytes`] made them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&flags, rest) = bytes.split_first()?;
        if flags & !(Self::OWNERLESS | Self::OVERFULL) != 0 {
            return None;
        }
        let (chains, rest) = rest.as_chunks::<{ size_of::<Uuid>() + Tally::BYTES }>();
        let chains = chains.iter().map(|chain| {
            let (tenant_id, tally) = chain.split_first_chunk()?;
            Some((Uuid::from_bytes(*tenant_id), Tally::from_bytes(tally)?))
        });
        let chains = chains.collect::<Option<_>>()?;
        rest.is_empty().then_some(Self {
            chains,
            has_ownerless: flags & Self::OWNERLESS != 0,
            is_overfull: flags & Self::OVERFULL != 0,
        })
    }
}
