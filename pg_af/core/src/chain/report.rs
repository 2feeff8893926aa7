//! What was seen of a chain.

use std::fmt;

use uuid::Uuid;

use super::finding::Finding;
use crate::digest::Digest;

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

/// An entry whose hash was recorded before, such as the head that an earlier verification saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Whose chain it is in.
    pub tenant_id: Uuid,
    /// Its position, from 1.
    pub seq: i64,
    /// Its hash.
    pub hash: Digest,
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
    /// The recorded entry behind which the walk began: nothing older was read again.
    pub after: Option<Anchor>,
    /// How many entries were seen, that one not counted.
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
            after: None,
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

    /// Whether there is anything to tell.
    pub(super) fn is_due(&self) -> bool {
        self.after.is_some() || self.entries > 0 || self.findings > 0 || self.unchecked > 0
    }

    /// Adds what was seen of the part of the same chain that follows.
    pub(super) fn append(&mut self, next: Self) {
        self.entries += next.entries;
        self.head = next.head.or(self.head);
        self.findings += next.findings;
        self.first_finding = self.first_finding.take().or(next.first_finding);
        self.unchecked += next.unchecked;
        self.first_unchecked = self.first_unchecked.or(next.first_unchecked);
    }
}
