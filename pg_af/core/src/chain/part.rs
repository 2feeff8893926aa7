//! Parts of a walk, put together.

use super::walk::{Chain, Standing};
use super::{ChainReport, Finding, View};

/// A part of a walk over a ledger. Parts that were walked at the same time, and adjoin each other, make up one walk.
///
/// Each part is judged by the entry that was read before it. [`Part::leads_to`] compares that with where the part before
/// really ended, so that a seam is trusted no more than any other place.
#[derive(Debug, Clone)]
pub struct Part {
    pub(super) view: View,
    /// Where the walk was taken to stand before.
    pub(super) begins: Option<Standing>,
    /// What was seen of each chain; of the first and the last one perhaps not all.
    pub(super) reports: Vec<ChainReport>,
    /// Where it stood afterwards.
    pub(super) ends: Option<Standing>,
}

impl Part {
    /// Nothing, before the first chain.
    pub fn start(view: View) -> Self {
        Self { view, begins: None, reports: Vec::new(), ends: None }
    }

    /// Where the walk stands now.
    pub fn standing(&self) -> Option<Standing> {
        self.ends
    }

    /// Whether `next`, which follows, was judged by what really stands before it. If not, its entries must be walked
    /// again, by a verifier that resumes from [`Part::standing`].
    pub fn leads_to(&self, next: &Self) -> bool {
        let Some(tenant_id) = next.reports.first().map(|report| report.tenant_id) else { return true };
        let in_its_chain = |standing: &Standing| standing.tenant_id() == tenant_id;
        let begins = next.begins.filter(in_its_chain).unwrap_or(Standing::before(tenant_id));
        match self.ends.filter(in_its_chain) {
            Some(ends) => ends == begins,
            None => begins.is_first(),
        }
    }

    /// Adds the part that follows. `found` is called for what is missing between the two; the findings of `next` come
    /// after that.
    ///
    /// # Panics
    ///
    /// Unless this part leads to it.
    pub fn append(&mut self, next: Self, found: &mut impl FnMut(Finding)) {
        assert!(
            self.leads_to(&next),
            "a part is appended that was judged by another entry than the one before"
        );
        let mut reports = next.reports.into_iter();
        let Some(first) = reports.next() else { return };
        match self.reports.last_mut() {
            Some(last) if last.tenant_id == first.tenant_id => last.append(first),
            _ => {
                self.conclude(found);
                self.reports.push(first);
            }
        }
        self.reports.extend(reports);
        self.ends = next.ends;
    }

    /// The report on each chain, when nothing follows any more.
    pub fn finish(mut self, found: &mut impl FnMut(Finding)) -> Vec<ChainReport> {
        self.conclude(found);
        self.reports
    }

    fn conclude(&mut self, found: &mut impl FnMut(Finding)) {
        let Some(standing) = self.ends.take() else { return };
        if let Some(report) = self.reports.pop() {
            let mut chain = Chain { standing, report };
            chain.conclude(self.view, found);
            self.reports.push(chain.report);
        }
    }
}
