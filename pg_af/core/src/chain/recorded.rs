//! A chain that was seen, against what was recorded of it earlier.

use std::cmp::Ordering;
use std::fmt;

use super::{Anchor, ChainReport, Finding, FindingKind, View};
use crate::digest::Digest;
use crate::timestamp::Timestamp;

/// A checkpoint: what a chain was at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The last entry that the chain had, so that its position is also the number of entries.
    pub last: Anchor,
    /// By whom or of what it says to be.
    pub origin: String,
    /// When it was recorded, if that is a time.
    pub at: Option<Timestamp>,
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recorded in the checkpoint \"{}\"", self.origin)?;
        self.at.map_or(Ok(()), |at| write!(f, " at {at}"))
    }
}

/// The entry that now stands where a checkpoint ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its identity.
    pub id: Option<uuid::Uuid>,
    /// Its hash; `None` if what is stored is no hash.
    pub hash: Option<Digest>,
}

impl ChainReport {
    /// Compares the chain, as it was seen through `view`, with a checkpoint of it. `stored` is the entry at the checkpoint's
    /// end, by a look at the same state of the table that was walked.
    ///
    /// Gives nothing where they agree, and where the walk has already found that entry missing.
    pub fn compare(&self, recorded: &Recorded, stored: Option<Stored>, view: View) -> Option<Finding> {
        let size = recorded.last.seq;
        let finding = |seq, id, kind, what: String| {
            let detail = format!("{what} {recorded}");
            Some(Finding { tenant_id: Some(recorded.last.tenant_id), seq: Some(seq), id, kind, detail })
        };
        if let Some(Stored { id, hash }) = stored {
            if hash == Some(recorded.last.hash) {
                return None;
            }
            let hash =
                hash.map_or_else(|| "there is no hash".to_owned(), |hash| format!("the hash is {hash}"));
            let what = format!("{hash}, but {} was", recorded.last.hash);
            return finding(size, id, FindingKind::Rewritten, what);
        }
        // What is not shown may be there.
        if view == View::Filtered {
            return None;
        }
        let absent = || format!("entry {size} is not there, but was");
        let is_before_the_walk = self.after.is_some_and(|after| size < after.seq);
        match self.head {
            Some(head) if head.seq < size => {
                let what = format!("the chain ends with entry {}, but {size} entries were", head.seq);
                finding(head.seq + 1, None, FindingKind::Truncated, what)
            }
            None if self.after.is_none() => {
                let what = format!("the chain is gone, but {size} entries were");
                finding(1, None, FindingKind::Truncated, what)
            }
            None if is_before_the_walk => finding(size, None, FindingKind::Truncated, absent()),
            Some(_) if is_before_the_walk || self.findings == 0 => {
                finding(size, None, FindingKind::Missing, absent())
            }
            _ => None,
        }
    }

    /// Adds what was found beside the walk.
    pub fn add(&mut self, finding: &Finding) {
        self.findings += 1;
        if self.first_finding.as_ref().is_none_or(|first| finding.order(first).is_lt()) {
            self.first_finding = Some(finding.clone());
        }
    }

    /// The order in which chains are told: of tenants, what belongs to none last.
    pub fn order(&self, other: &Self) -> Ordering {
        last_without(&self.tenant_id, &other.tenant_id)
    }
}

impl Finding {
    /// The order in which findings are told: of tenants, then of positions, what has none last.
    pub fn order(&self, other: &Self) -> Ordering {
        last_without(&self.tenant_id, &other.tenant_id).then_with(|| last_without(&self.seq, &other.seq))
    }
}

fn last_without<T: Ord>(one: &Option<T>, other: &Option<T>) -> Ordering {
    one.is_none().cmp(&other.is_none()).then_with(|| one.cmp(other))
}
