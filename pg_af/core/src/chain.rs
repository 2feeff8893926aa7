//! The chain verifier: takes the entries of a ledger one by one, in order, and yields findings.
//!
//! It believes nothing that is stored: every hash is computed again from the columns, every link is
//! compared with the entry before, every position is counted. Its memory does not depend on the
//! length of the chain. It does no I/O, so that the database and the command line run the same check.
//!
//! A ledger can be walked in one go ([`Verifier::new`]), in parts that are put together afterwards and say the same as
//! one walk ([`Part`]), or from an entry whose hash was recorded before ([`Verifier::since`]). What was seen of a chain can be
//! compared with a checkpoint of it ([`ChainReport::compare`]), which also tells what the rows alone do not: that the last
//! ones are gone.

mod finding;
mod part;
mod recorded;
mod report;
mod verifier;
mod walk;

use uuid::Uuid;

pub use finding::{Finding, FindingKind};
pub use part::Part;
pub use recorded::{Recorded, Stored};
pub use report::{Anchor, ChainReport, Head, Status, Unchecked};
pub use verifier::Verifier;
pub use walk::Standing;

use crate::record::Record;
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

/// What the one who feeds the verifier can see of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Every row: what is not given is not there.
    #[default]
    Whole,
    /// Only some rows, as under row-level security: a gap proves nothing, and is no finding.
    Filtered,
}
