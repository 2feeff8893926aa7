//! The chain verifier: takes the entries of a ledger one by one, in order, and yields findings.
//!
//! It believes nothing that is stored: every hash is computed again from the columns, every link is
//! compared with the entry before, every position is counted. Its memory does not depend on the
//! length of the chain. It does no I/O, so that the database and the command line run the same check.

use std::fmt;

use uuid::Uuid;

use crate::digest::Digest;
use crate::record::{KNOWN_VERSIONS, Record, RecordError, RecordHasher};
use crate::timestamp::TimestampError;

/// A stored row, of which nothing is believed: any column may be null or malformed.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Whose chain it is in.
    pub tenant_id: Option<Uuid>,
    /// Its position.
    pub seq: Option<i64>,
    /// Its identity, for the finding's sake.
    pub id: Option<Uuid>,
    /// The link to the entry before, as stored.
    pub prev_hash: Option<&'a [u8]>,
    /// The entry's own hash, as stored.
    pub hash: Option<&'a [u8]>,
    /// The hashed columns, or why they make no record.
    pub record: Result<Record<'a>, Unreadable>,
}

/// Why a stored row's columns make no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A column that must not be null is.
    #[error("{0} is null")]
    NullColumn(&'static str),
    /// The time cannot be written.
    #[error("ts: {0}")]
    Timestamp(#[from] TimestampError),
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// The hash does not match the content.
    Altered,
    /// The previous hash is not the hash of the entry before.
    Relinked,
    /// Entries are not there: a gap in `seq`, or no `seq` 1.
    Missing,
    /// The entry was sealed at another position.
    Reordered,
    /// Another entry has the same position.
    Duplicated,
    /// There are fewer entries than a recorded head or checkpoint says.
    Truncated,
    /// A hash is null or malformed, or the entry has no position.
    Unsealed,
}

impl FindingKind {
    /// The name used in SQL, JSON and the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Relinked => "relinked",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Duplicated => "duplicated",
            Self::Truncated => "truncated",
            Self::Unsealed => "unsealed",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The chain.
    pub tenant_id: Option<Uuid>,
    /// The position; of the first entry that is not there, where entries are missing.
    pub seq: Option<i64>,
    /// The entry, where there is one.
    pub id: Option<Uuid>,
    /// What is wrong.
    pub kind: FindingKind,
    /// The same for people, with the hashes or positions concerned.
    pub detail: String,
}

/// The verdict on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// All that was seen is intact.
    Ok,
    /// Something was found.
    Tampered,
    /// Nothing was found, but not everything could be checked.
    Partial,
}

impl Status {
    /// The name used in SQL, JSON and the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Tampered => "tampered",
            Self::Partial => "partial",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The end of a chain as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last position.
    pub seq: i64,
    /// The hash there; `None` if what is stored is no hash.
    pub hash: Option<Digest>,
}

/// An entry that this build cannot check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unchecked {
    /// Its position.
    pub seq: i64,
    /// Its identity.
    pub id: Option<Uuid>,
    /// Its version of the record format.
    pub hash_version: i16,
}

/// What was seen of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Whose chain it is.
    pub tenant_id: Option<Uuid>,
    /// How many entries were seen.
    pub entries: u64,
    /// The last entry seen; `None` if none had a position.
    pub head: Option<Head>,
    /// How many findings there were.
    pub findings: u64,
    /// The first of them in the order of the chain.
    pub first_finding: Option<Finding>,
    /// How many entries have a `hash_version` that this build does not know.
    pub unchecked: u64,
    /// The first of those.
    pub first_unchecked: Option<Unchecked>,
}

impl ChainReport {
    /// The report on a chain of which nothing has been seen.
    pub fn empty(tenant_id: Option<Uuid>) -> Self {
        Self {
            tenant_id,
            entries: 0,
            head: None,
            findings: 0,
            first_finding: None,
            unchecked: 0,
            first_unchecked: None,
        }
    }

    /// The verdict, as far as the entries that were seen go.
    pub fn status(&self) -> Status {
        if self.findings > 0 {
            Status::Tampered
        } else if self.unchecked > 0 {
            Status::Partial
        } else {
            Status::Ok
        }
    }
}

/// What the one who feeds the verifier can see of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Every row: what is not given is not there.
    #[default]
    Whole,
    /// Only some rows, as under row-level security: a gap proves nothing, and is no finding.
    Filtered,
}

/// Checks chain after chain. Feed it the entries ordered by tenant, then by `seq`.
#[derive(Default)]
pub struct Verifier {
    view: View,
    hasher: RecordHasher,
    chain: Option<Chain>,
}

impl Verifier {
    /// A verifier for entries seen through `view`.
    pub fn new(view: View) -> Self {
        Self { view, ..Self::default() }
    }

    /// Checks the next entry; `found` is called for each finding, in order.
    ///
    /// Returns the report on the chain before when this entry begins another tenant's.
    pub fn push(&mut self, entry: &Entry<'_>, found: &mut impl FnMut(Finding)) -> Option<ChainReport> {
        let is_next_chain =
            self.chain.as_ref().is_some_and(|chain| chain.report.tenant_id != entry.tenant_id);
        let finished = if is_next_chain { self.chain.take() } else { None };
        let chain = self.chain.get_or_insert_with(|| Chain::new(entry.tenant_id));
        chain.check(entry, self.view, &mut self.hasher, found);
        finished.map(|chain| chain.report)
    }

    /// The report on the last chain, if there was any entry.
    pub fn finish(self) -> Option<ChainReport> {
        self.chain.map(|chain| chain.report)
    }
}

/// The entry that the next one must follow.
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

struct Chain {
    report: ChainReport,
    predecessor: Option<Predecessor>,
    /// How many more altered entries are tried at neighbouring positions.
    searches_left: u32,
}

impl Chain {
    /// How far from its position an altered entry is tried, and for how many entries of a chain:
    /// enough to recognise swaps and shifts, little enough not to slow down a large finding.
    const SEARCH_DISTANCE: i64 = 8;
    const SEARCHES: u32 = 1_000;

    fn new(tenant_id: Option<Uuid>) -> Self {
        let report = ChainReport::empty(tenant_id);
        Self { report, predecessor: None, searches_left: Self::SEARCHES }
    }

    fn check(
        &mut self,
        entry: &Entry<'_>,
        view: View,
        hasher: &mut RecordHasher,
        found: &mut impl FnMut(Finding),
    ) {
        self.report.entries += 1;
        let Some(seq) = entry.seq else {
            self.add(
                found,
                None,
                entry.id,
                FindingKind::Unsealed,
                "the entry has no position: seq is null".into(),
            );
            return;
        };
        let follows = self.check_position(seq, entry, view, found);
        let seal = self.check_seal(seq, entry, found);
        let computed = self.check_content(seq, entry, seal, follows, hasher, found);
        if follows {
            self.check_link(seq, entry, found);
        }
        if seq >= 1 && self.predecessor.as_ref().is_none_or(|last| last.seq < seq) {
            self.predecessor = Some(Predecessor { seq, stored: seal, computed });
            self.report.head = Some(Head { seq, hash: seal });
        }
    }

    /// Whether the entry stands right behind its predecessor (or is the first one).
    fn check_position(
        &mut self,
        seq: i64,
        entry: &Entry<'_>,
        view: View,
        found: &mut impl FnMut(Finding),
    ) -> bool {
        let last = self.predecessor.as_ref().map_or(0, |last| last.seq);
        let expected = last.saturating_add(1);
        if seq == expected {
            return true;
        }
        if seq > expected && view == View::Filtered {
            return false;
        }
        if seq > expected {
            let detail = match seq - expected {
                1 => format!("entry {expected} is not there"),
                count => format!("entries {expected} to {} are not there ({count} in all)", seq - 1),
            };
            self.add(found, Some(expected), None, FindingKind::Missing, detail);
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
        let prev_is_malformed = match entry.prev_hash {
            Some(prev) => prev.len() != 32,
            None => seq > 1,
        };
        if prev_is_malformed {
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
        hasher: &mut RecordHasher,
        found: &mut impl FnMut(Finding),
    ) -> Option<Digest> {
        // Where the link itself is malformed, the content is judged by the link that belongs there.
        let before = self.predecessor.as_ref().filter(|_| follows).and_then(|last| last.stored);
        let prev_hash = match entry.prev_hash {
            Some(prev) if prev.len() == 32 => Some(prev),
            _ => before.as_ref().map(|digest| &digest.as_bytes()[..]),
        };
        match self.compare(entry, prev_hash, stored, hasher) {
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

    fn compare(
        &mut self,
        entry: &Entry<'_>,
        prev_hash: Option<&[u8]>,
        stored: Option<Digest>,
        hasher: &mut RecordHasher,
    ) -> Content {
        let altered = |computed, detail| Content::Differs { computed, kind: FindingKind::Altered, detail };
        let record = match &entry.record {
            Ok(record) => record,
            Err(unreadable) => return altered(None, unreadable.to_string()),
        };
        let computed = match hasher.hash(prev_hash, record) {
            Ok(computed) => computed,
            Err(RecordError::UnknownVersion(version)) => {
                let sealed_as = KNOWN_VERSIONS.into_iter().find(|known| {
                    let record = Record { hash_version: *known, ..*record };
                    stored.is_some() && hasher.hash(prev_hash, &record).ok() == stored
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
        if let Some(position) = self.sealed_position(record, prev_hash, stored, hasher) {
            let detail = format!("the entry was sealed at position {position}");
            return Content::Differs { computed: Some(computed), kind: FindingKind::Reordered, detail };
        }
        altered(Some(computed), format!("the content hashes to {computed}, the stored hash is {stored}"))
    }

    /// The neighbouring position at which the content does match the stored hash.
    fn sealed_position(
        &mut self,
        record: &Record<'_>,
        prev_hash: Option<&[u8]>,
        stored: Digest,
        hasher: &mut RecordHasher,
    ) -> Option<i64> {
        self.searches_left = self.searches_left.checked_sub(1)?;
        let distances = (1..=Self::SEARCH_DISTANCE).flat_map(|distance| [distance, -distance]);
        let positions = distances.filter_map(|distance| record.seq.checked_add(distance));
        positions
            .filter(|position| *position >= 1)
            .find(|&position| hasher.hash(prev_hash, &Record { seq: position, ..*record }) == Ok(stored))
    }

    fn check_link(&mut self, seq: i64, entry: &Entry<'_>, found: &mut impl FnMut(Finding)) {
        let detail = match (&self.predecessor, entry.prev_hash.and_then(Digest::from_slice)) {
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

fn malformed(column: &str, value: Option<&[u8]>) -> String {
    match value {
        None => format!("{column} is null"),
        Some(bytes) => format!("the length of {column} is {}, not 32 bytes", bytes.len()),
    }
}
