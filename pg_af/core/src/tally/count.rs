//! The counting of entries, as they come.

use std::collections::HashMap;
use std::mem;

use uuid::Uuid;

use super::{Key, MAX_CHAINS, Tallies, Tally};
use crate::chain::Entry;
use crate::digest::Digest;
use crate::record::RecordPairHasher;

/// Adds up entries of any chains, in any order.
pub struct Count {
    key: Key,
    hasher: RecordPairHasher,
    /// The entry that is not yet hashed: two are hashed together.
    waiting: Option<Claim>,
    places: HashMap<Uuid, usize>,
    chains: Vec<Chain>,
    has_ownerless: bool,
    is_overfull: bool,
}

/// A chain of which entries have been seen.
struct Chain {
    tenant_id: Uuid,
    tally: Tally,
    /// Position and hash of the entry that was added last, if the place that it offers is not in the sum yet.
    ///
    /// Mostly the next entry takes just that place: one would be added that is then subtracted. So neither is done, which
    /// comes to the same sum.
    end: Option<(u64, Digest)>,
}

/// What an entry says of itself, to be believed once its content hashes to that.
struct Claim {
    /// The number of the chain.
    chain: usize,
    seq: u64,
    prev_hash: Option<Digest>,
    hash: Digest,
}

impl Count {
    /// Of no entries so far.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            hasher: RecordPairHasher::default(),
            waiting: None,
            places: HashMap::new(),
            chains: Vec::new(),
            has_ownerless: false,
            is_overfull: false,
        }
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: &Entry<'_>) {
        let Some(tenant_id) = entry.tenant_id else {
            self.has_ownerless = true;
            return;
        };
        let Some(chain) = self.chain(tenant_id) else { return };
        // One fault is enough for a chain to be walked.
        if self.chains[chain].tally.has_faulty {
            return;
        }
        let record = entry.record.as_ref().ok();
        let Some((claim, record)) = Claim::of(chain, entry).zip(record) else {
            self.chains[chain].tally.has_faulty = true;
            return;
        };
        match self.hasher.push(entry.prev_hash, record) {
            Ok(None) => self.waiting = Some(claim),
            Ok(Some(hashes)) => {
                let both = [self.waiting.take(), Some(claim)];
                both.into_iter().zip(hashes).for_each(|(claim, hash)| self.settle(claim, hash));
            }
            Err(_) => self.chains[chain].tally.has_faulty = true,
        }
    }

    /// What all of them add up to.
    pub fn finish(mut self) -> Tallies {
        if let Some(hash) = self.hasher.finish() {
            let claim = self.waiting.take();
            self.settle(claim, hash);
        }
        for chain in &mut self.chains {
            chain.offer(&self.key);
        }
        Tallies {
            chains: self.chains.into_iter().map(|chain| (chain.tenant_id, chain.tally)).collect(),
            has_ownerless: self.has_ownerless,
            is_overfull: self.is_overfull,
        }
    }

    /// The number of a tenant's chain; `None` where there are too many.
    fn chain(&mut self, tenant_id: Uuid) -> Option<usize> {
        if let Some(place) = self.places.get(&tenant_id) {
            return Some(*place);
        }
        if self.is_overfull || self.chains.len() == MAX_CHAINS {
            self.is_overfull = true;
            (self.places, self.chains) = (HashMap::new(), Vec::new());
            return None;
        }
        let place = self.chains.len();
        self.places.insert(tenant_id, place);
        self.chains.push(Chain { tenant_id, tally: Tally::default(), end: None });
        Some(place)
    }

    /// Adds an entry whose content hashes to `computed`.
    fn settle(&mut self, claim: Option<Claim>, computed: Digest) {
        // Its chain may be gone where there were too many.
        let Some(claim) = claim else { return };
        let Some(chain) = self.chains.get_mut(claim.chain) else { return };
        if claim.hash == computed {
            chain.add(&claim, &self.key);
        } else {
            chain.tally.has_faulty = true;
        }
    }
}

impl Chain {
    /// Adds an entry that is right by itself.
    fn add(&mut self, entry: &Claim, key: &Key) {
        let taken = entry.prev_hash.map(|prev_hash| (entry.seq - 1, prev_hash));
        if taken.is_none() || taken != self.end {
            self.offer(key);
            let taken = key.place(entry.seq, entry.prev_hash.as_ref());
            self.tally.sum = self.tally.sum.wrapping_sub(taken);
        }
        self.end = Some((entry.seq, entry.hash));
        self.tally.entries += 1;
    }

    /// Puts the place into the sum that the entry added last offers.
    fn offer(&mut self, key: &Key) {
        if let Some((seq, hash)) = mem::take(&mut self.end) {
            self.tally.sum = self.tally.sum.wrapping_add(key.place(seq + 1, Some(&hash)));
            if seq > self.tally.last.0 {
                self.tally.last = (seq, hash);
            }
        }
    }
}

impl Claim {
    /// What the entry says, if it can be right.
    fn of(chain: usize, entry: &Entry<'_>) -> Option<Self> {
        let seq = u64::try_from(entry.seq?).ok().filter(|seq| *seq >= 1)?;
        let prev_hash = match entry.prev_hash {
            None if seq == 1 => None,
            None => return None,
            Some(_) if seq == 1 => return None,
            Some(prev_hash) => Some(Digest::from_slice(prev_hash)?),
        };
        let hash = Digest::from_slice(entry.hash?)?;
        Some(Self { chain, seq, prev_hash, hash })
    }
}
