//! What can be wrong, and where.

use std::fmt;

use uuid::Uuid;

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
    /// The entry's hash is not the recorded one.
    Rewritten,
    /// An older state of the ledger has taken the place of the one that a checkpoint was made of.
    RolledBack,
    /// A checkpoint is of another ledger.
    Foreign,
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
            Self::Rewritten => "rewritten",
            Self::RolledBack => "rolled_back",
            Self::Foreign => "foreign",
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
