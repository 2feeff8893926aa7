//! The check of one entry against the one before.

use uuid::Uuid;

use super::{Anchor, ChainReport, Entry, Finding, FindingKind, Head, Unchecked, View};
use crate::digest::Digest;
use crate::record::{KNOWN_VERSIONS, Record, RecordError, RecordHasher};

/// How far from its position an altered entry is tried: enough to recognise swaps and shifts.
const SEARCH_DISTANCE: i64 = 8;

/// The entry that the next one must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Predecessor {
    seq: i64,
    /// Its hash as stored.
    stored: Option<Digest>,
    /// What its content hashes to, where that could be computed.
    computed: Option<Digest>,
}

/// How the hash of an entry's content compares with the stored one.
enum Content {
    Intact(Digest),
    Differs { computed: Option<Digest>, kind: FindingKind, detail: String },
    Unknown(i16),
}

/// How an entry is hashed.
pub(super) struct Hashing<'a> {
    pub(super) hasher: &'a mut RecordHasher,
    /// What it hashes to with the link that it has, if that is known already.
    pub(super) computed: Option<Digest>,
}

impl Hashing<'_> {
    fn hash(
        &mut self,
        entry: &Entry<'_>,
        prev_hash: Option<&[u8]>,
        record: &Record<'_>,
    ) -> Result<Digest, RecordError> {
        match self.computed {
            Some(computed) if entry.prev_hash == prev_hash => Ok(computed),
            _ => self.hasher.hash(prev_hash, record),
        }
    }
}

/// Where a walk along a chain stands: all of what came before that what follows is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    tenant_id: Option<Uuid>,
    predecessor: Option<Predecessor>,
    /// The recorded entry that is still to come.
    awaited: Option<Anchor>,
}

impl Standing {
    /// Before the first entry of a chain.
    pub(super) fn before(tenant_id: Option<Uuid>) -> Self {
        Self { tenant_id, predecessor: None, awaited: None }
    }

    /// Right before a recorded entry.
    pub(super) fn awaiting(anchor: Anchor) -> Self {
        Self { awaited: Some(anchor), ..Self::before(Some(anchor.tenant_id)) }
    }

    /// Whether nothing of the chain has been seen yet.
    pub(super) fn is_first(&self) -> bool {
        self.predecessor.is_none()
    }

    /// In whose chain.
    pub fn tenant_id(&self) -> Option<Uuid> {
        self.tenant_id
    }
}

pub(super) struct Chain {
    pub(super) standing: Standing,
    pub(super) report: ChainReport,
}

impl Chain {
    pub(super) fn resume(standing: Standing) -> Self {
        let report = ChainReport { after: standing.awaited, ..ChainReport::empty(standing.tenant_id) };
        Self { standing, report }
    }

    pub(super) fn check(
        &mut self,
        entry: &Entry<'_>,
        view: View,
        mut hashing: Hashing<'_>,
        found: &mut impl FnMut(Finding),
    ) {
        let Some(seq) = entry.seq else {
            self.report.entries += 1;
            let detail = "the entry has no position: seq is null".into();
            self.add(found, None, entry.id, FindingKind::Unsealed, detail);
            return;
        };
        if let Some(anchor) = self.standing.awaited {
            if seq < anchor.seq {
                return;
            }
            self.standing.awaited = None;
            if seq == anchor.seq {
                self.check_anchor(anchor, entry, &mut hashing, found);
                return;
            }
            self.miss_anchor(anchor, seq, view, found);
        }
        self.report.entries += 1;
        let follows = self.check_position(seq, entry, view, found);
        let seal = self.check_seal(seq, entry, found);
        let computed = self.check_content(seq, entry, seal, follows, &mut hashing, found);
        if follows {
            self.check_link(seq, entry, found);
        }
        if seq >= 1 && self.standing.predecessor.is_none_or(|last| last.seq < seq) {
            self.pass(Predecessor { seq, stored: seal, computed });
        }
    }

    /// What is missing at the end.
    pub(super) fn conclude(&mut self, view: View, found: &mut impl FnMut(Finding)) {
        if let Some(anchor) = self.standing.awaited.take().filter(|_| view == View::Whole) {
            let detail = format!(
                "the chain ends before entry {}, which was there with the hash {}",
                anchor.seq, anchor.hash
            );
            self.add(found, Some(anchor.seq), None, FindingKind::Truncated, detail);
        }
    }

    /// The recorded entry itself: neither its position nor its link to what was not read can be judged.
    fn check_anchor(
        &mut self,
        anchor: Anchor,
        entry: &Entry<'_>,
        hashing: &mut Hashing<'_>,
        found: &mut impl FnMut(Finding),
    ) {
        let seq = anchor.seq;
        if let Some(stored) = entry.hash.and_then(Digest::from_slice).filter(|stored| *stored != anchor.hash)
        {
            let detail = format!("the hash is {stored}, {} was recorded", anchor.hash);
            self.add(found, Some(seq), entry.id, FindingKind::Rewritten, detail);
        }
        let seal = self.check_seal(seq, entry, found);
        let computed = match is_link(entry.prev_hash, seq) {
            true => self.check_content(seq, entry, seal, false, hashing, found),
            // What the content hashes to with its true link is what was recorded.
            false => Some(anchor.hash),
        };
        self.pass(Predecessor { seq, stored: seal, computed });
    }

    /// The recorded entry is not there, but the one at `seq` is, which must be linked to it if it is the next.
    fn miss_anchor(&mut self, anchor: Anchor, seq: i64, view: View, found: &mut impl FnMut(Finding)) {
        if view == View::Whole {
            let detail = absence(anchor.seq, seq - 1);
            self.add(found, Some(anchor.seq), None, FindingKind::Missing, detail);
        }
        let recorded = (seq - 1 == anchor.seq).then_some(anchor.hash);
        self.standing.predecessor = Some(Predecessor { seq: seq - 1, stored: recorded, computed: None });
    }

    /// What comes next must follow this entry.
    fn pass(&mut self, entry: Predecessor) {
        self.standing.predecessor = Some(entry);
        self.report.head = Some(Head { seq: entry.seq, hash: entry.stored });
    }

    /// Whether the entry stands right behind its predecessor (or is the first one).
    fn check_position(
        &mut self,
        seq: i64,
        entry: &Entry<'_>,
        view: View,
        found: &mut impl FnMut(Finding),
    ) -> bool {
        let last = self.standing.predecessor.map_or(0, |last| last.seq);
        let expected = last.saturating_add(1);
        if seq == expected {
            return true;
        }
        if seq > expected && view == View::Filtered {
            return false;
        }
        if seq > expected {
            self.add(found, Some(expected), None, FindingKind::Missing, absence(expected, seq - 1));
        } else if seq < 1 {
            let detail = "the entry stands before position 1".into();
            self.add(found, Some(seq), entry.id, FindingKind::Reordered, detail);
        } else if seq == last {
            let detail = "another entry has the same position".into();
            self.add(found, Some(seq), entry.id, FindingKind::Duplicated, detail);
        } else {
            let detail = format!("the entry was given after entry {last}");
            self.add(found, Some(seq), entry.id, FindingKind::Reordered, detail);
        }
        false
    }

    /// The stored hash, if both hashes have the form they must have.
    fn check_seal(&mut self, seq: i64, entry: &Entry<'_>, found: &mut impl FnMut(Finding)) -> Option<Digest> {
        let hash = entry.hash.and_then(Digest::from_slice);
        if hash.is_none() {
            let detail = malformed("hash", entry.hash);
            self.add(found, Some(seq), entry.id, FindingKind::Unsealed, detail);
        }
        if !is_link(entry.prev_hash, seq) {
            let detail = malformed("prev_hash", entry.prev_hash);
            self.add(found, Some(seq), entry.id, FindingKind::Unsealed, detail);
        }
        hash
    }

    /// What the content hashes to, as far as that can be computed.
    fn check_content(
        &mut self,
        seq: i64,
        entry: &Entry<'_>,
        stored: Option<Digest>,
        follows: bool,
        hashing: &mut Hashing<'_>,
        found: &mut impl FnMut(Finding),
    ) -> Option<Digest> {
        // Where the link itself is malformed, the content is judged by the link that belongs there.
        let before = self.standing.predecessor.filter(|_| follows).and_then(|last| last.stored);
        let prev_hash = match (entry.prev_hash, &before) {
            (Some(prev), _) if is_link(entry.prev_hash, seq) => Some(prev),
            (_, Some(before)) => Some(&before.as_bytes()[..]),
            (_, None) if seq > 1 => return None,
            (_, None) => None,
        };
        match compare(entry, prev_hash, stored, hashing) {
            Content::Intact(computed) => Some(computed),
            Content::Differs { computed, kind, detail } => {
                self.add(found, Some(seq), entry.id, kind, detail);
                computed
            }
            Content::Unknown(hash_version) => {
                self.report.unchecked += 1;
                self.report.first_unchecked.get_or_insert(Unchecked { seq, id: entry.id, hash_version });
                None
            }
        }
    }

    fn check_link(&mut self, seq: i64, entry: &Entry<'_>, found: &mut impl FnMut(Finding)) {
        let detail = match (&self.standing.predecessor, entry.prev_hash.and_then(Digest::from_slice)) {
            (None, Some(prev)) => format!("prev_hash is {prev}, but nothing stands before the first entry"),
            (Some(last), Some(prev)) => {
                // Where only the stored hash of the entry before was edited, this link still names
                // the hash of its content: that entry is the finding, not this one.
                let accepted = [last.stored, last.computed];
                let is_known = accepted.iter().any(Option::is_some);
                if !is_known || accepted.contains(&Some(prev)) {
                    return;
                }
                let before = last.stored.or(last.computed).map_or_else(String::new, |hash| hash.to_string());
                format!("prev_hash is {prev}, the hash of entry {} is {before}", last.seq)
            }
            // A missing link is reported as unsealed.
            (_, None) => return,
        };
        self.add(found, Some(seq), entry.id, FindingKind::Relinked, detail);
    }

    fn add(
        &mut self,
        found: &mut impl FnMut(Finding),
        seq: Option<i64>,
        id: Option<Uuid>,
        kind: FindingKind,
        detail: String,
    ) {
        let finding = Finding { tenant_id: self.report.tenant_id, seq, id, kind, detail };
        self.report.findings += 1;
        if self.report.first_finding.is_none() {
            self.report.first_finding = Some(finding.clone());
        }
        found(finding);
    }
}

/// Compares what an entry's content hashes to with the stored hash.
fn compare(
    entry: &Entry<'_>,
    prev_hash: Option<&[u8]>,
    stored: Option<Digest>,
    hashing: &mut Hashing<'_>,
) -> Content {
    let altered = |computed, detail| Content::Differs { computed, kind: FindingKind::Altered, detail };
    let record = match &entry.record {
        Ok(record) => record,
        Err(unreadable) => return altered(None, unreadable.to_string()),
    };
    let computed = match hashing.hash(entry, prev_hash, record) {
        Ok(computed) => computed,
        Err(RecordError::UnknownVersion(version)) => {
            let sealed_as = KNOWN_VERSIONS.into_iter().find(|known| {
                let record = Record { hash_version: *known, ..*record };
                stored.is_some() && hashing.hasher.hash(prev_hash, &record).ok() == stored
            });
            return match sealed_as {
                Some(known) => {
                    altered(stored, format!("hash_version is {version}, the entry was sealed as {known}"))
                }
                None => Content::Unknown(version),
            };
        }
        Err(error) => return altered(None, error.to_string()),
    };
    // An entry without a hash is reported as unsealed; there is nothing to compare with.
    let Some(stored) = stored.filter(|stored| *stored != computed) else {
        return Content::Intact(computed);
    };
    if let Some(position) = sealed_position(record, prev_hash, stored, hashing.hasher) {
        let detail = format!("the entry was sealed at position {position}");
        return Content::Differs { computed: Some(computed), kind: FindingKind::Reordered, detail };
    }
    altered(Some(computed), format!("the content hashes to {computed}, the stored hash is {stored}"))
}

/// The neighbouring position at which the content does match the stored hash.
fn sealed_position(
    record: &Record<'_>,
    prev_hash: Option<&[u8]>,
    stored: Digest,
    hasher: &mut RecordHasher,
) -> Option<i64> {
    let distances = (1..=SEARCH_DISTANCE).flat_map(|distance| [distance, -distance]);
    let positions = distances.filter_map(|distance| record.seq.checked_add(distance));
    hasher.find_position(prev_hash, record, positions.filter(|position| *position >= 1), stored).ok()?
}

fn malformed(column: &str, value: Option<&[u8]>) -> String {
    match value {
        None => format!("{column} is null"),
        Some(bytes) => format!("the length of {column} is {}, not 32 bytes", bytes.len()),
    }
}

/// Whether what is stored has the form of a link: 32 bytes, or at the start of a chain nothing.
fn is_link(prev_hash: Option<&[u8]>, seq: i64) -> bool {
    prev_hash.map_or(seq <= 1, |prev| prev.len() == 32)
}

/// That nothing stands at these positions.
fn absence(first: i64, last: i64) -> String {
    match last - first {
        0 => format!("entry {first} is not there"),
        more => format!("entries {first} to {last} are not there ({} in all)", more + 1),
    }
}
