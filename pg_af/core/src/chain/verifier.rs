//! The walk over chain after chain.

use super::walk::{Chain, Hashing, Standing};
use super::{Anchor, ChainReport, Entry, Finding, Part, View};
use crate::digest::Digest;
use crate::record::{RecordHasher, RecordPairHasher};

/// Checks chain after chain. Feed it the entries ordered by tenant, then by `seq`, those without last.
#[derive(Default)]
pub struct Verifier {
    view: View,
    hasher: RecordHasher,
    pair_hasher: RecordPairHasher,
    /// Where it stood before the first entry.
    begins: Option<Standing>,
    chain: Option<Chain>,
}

impl Verifier {
    /// A verifier for entries seen through `view`, from the first entry of a chain on.
    pub fn new(view: View) -> Self {
        Self::resume(view, None)
    }

    /// A verifier for what came since an entry whose hash was recorded: begins with that entry, which is compared with
    /// `anchor` and hashed again, and goes on with what follows it.
    ///
    /// Whatever is given from before it is passed over.
    pub fn since(view: View, anchor: Anchor) -> Self {
        Self::resume(view, Some(Standing::awaiting(anchor)))
    }

    /// A verifier that goes on where another one stood.
    pub fn resume(view: View, standing: Option<Standing>) -> Self {
        let chain = standing.map(Chain::resume);
        let (hasher, pair_hasher) = Default::default();
        Self { view, hasher, pair_hasher, begins: standing, chain }
    }

    /// Reads an entry that stands before the first one to be checked: it is neither counted nor judged, but what follows
    /// must follow it.
    ///
    /// The last position before is enough, with all entries that are there.
    pub fn read_before(&mut self, entry: &Entry<'_>) {
        self.push(entry, &mut |_| ());
        self.begins = self.standing();
        self.chain = self.begins.map(Chain::resume);
    }

    /// Checks the next entry; `found` is called for each finding, in order.
    ///
    /// Returns the report on the chain before when this entry begins another tenant's.
    pub fn push(&mut self, entry: &Entry<'_>, found: &mut impl FnMut(Finding)) -> Option<ChainReport> {
        self.check(entry, None, found)
    }

    /// Checks the next two entries, as two calls of [`Verifier::push`] do, in less time: they are hashed together.
    pub fn push_two(
        &mut self,
        entries: [&Entry<'_>; 2],
        found: &mut impl FnMut(Finding),
    ) -> [Option<ChainReport>; 2] {
        let hashes =
            self.pair_hasher.hash_two(entries.map(|entry| (entry.prev_hash, entry.record.as_ref().ok())));
        [self.check(entries[0], hashes[0], found), self.check(entries[1], hashes[1], found)]
    }

    /// `computed` is what the entry hashes to with the link that it has, if that is known.
    fn check(
        &mut self,
        entry: &Entry<'_>,
        computed: Option<Digest>,
        found: &mut impl FnMut(Finding),
    ) -> Option<ChainReport> {
        let is_next_chain =
            self.chain.as_ref().is_some_and(|chain| chain.report.tenant_id != entry.tenant_id);
        let finished = if is_next_chain { self.finish_chain(found) } else { None };
        let chain = self.chain.get_or_insert_with(|| Chain::resume(Standing::before(entry.tenant_id)));
        chain.check(entry, self.view, Hashing { hasher: &mut self.hasher, computed }, found);
        finished
    }

    /// Where the walk stands now.
    pub fn standing(&self) -> Option<Standing> {
        self.chain.as_ref().map(|chain| chain.standing)
    }

    /// The report on the last chain, if there was any entry or something was recorded of it.
    pub fn finish(mut self, found: &mut impl FnMut(Finding)) -> Option<ChainReport> {
        self.finish_chain(found)
    }

    /// Ends the walk in the middle of a chain, which goes on in another part. `reports` are those on the chains before.
    pub fn suspend(mut self, mut reports: Vec<ChainReport>) -> Part {
        let ends = self.standing();
        reports.extend(self.chain.take().map(|chain| chain.report).filter(ChainReport::is_due));
        Part { view: self.view, begins: self.begins, reports, ends }
    }

    fn finish_chain(&mut self, found: &mut impl FnMut(Finding)) -> Option<ChainReport> {
        let mut chain = self.chain.take()?;
        chain.conclude(self.view, found);
        Some(chain.report).filter(ChainReport::is_due)
    }
}
