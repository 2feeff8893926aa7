//! Every error that a user can see. SQLSTATEs are named here and nowhere else.
//!
//! Style as PostgreSQL's own: the primary message in lower case without a full stop, DETAIL and HINT
//! as sentences. Values of the row are never repeated beyond hashes and positions.

use af_core::canonical::JsonError;
use af_core::digest::Digest;
use af_core::record::RecordError;
use af_core::timestamp::TimestampError;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};

/// What can go wrong in a function or trigger of the extension.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("function {function} was not called as the trigger it is")]
    NotTheTrigger { function: &'static str, wanted: &'static str },
    #[error("relation \"{relation}\" is not an audit table: column \"{column}\" is missing")]
    MissingColumn { relation: String, column: &'static str },
    #[error("relation \"{relation}\" is not an audit table: column \"{column}\" has the wrong type")]
    ColumnType { relation: String, column: &'static str, wanted: &'static str },
    #[error("audit table \"{relation}\" has no unique index on (tenant_id, seq)")]
    NoChainIndex { relation: String },
    #[error("audit table \"{relation}\" is a partition that does not hold whole chains")]
    SplitChain { relation: String },
    #[error("relation \"audits\" does not exist in the search path")]
    NoAudits,
    #[error("\"{relation}\" is neither a table nor a partitioned table")]
    NotATable { relation: String },
    #[error("null value in column \"{column}\" of audit table \"{relation}\"")]
    NullColumn { relation: String, column: &'static str },
    #[error("timestamp of the audit entry cannot be recorded")]
    Timestamp(TimestampError),
    #[error("audit entry has some of its chain columns set, but not all")]
    PartlyChained,
    #[error("hash_version {0} is not one that new entries can have")]
    NotCurrentVersion(i16),
    #[error("{column} of the audit entry is not a SHA-256 hash")]
    MalformedHash { column: &'static str, length: usize },
    #[error("audit entry is too long")]
    EntryTooLong { length: u64, limit: u64 },
    #[error("audit entry is not the next link of its chain")]
    WrongLink(Option<WrongLink>),
    #[error("chain of tenant {tenant} ends in an entry without a hash")]
    UnsealedHead { tenant: uuid::Uuid, seq: i64 },
    #[error("chain of tenant {tenant} is full")]
    ChainFull { tenant: uuid::Uuid },
    #[error("cannot {operation} table \"{relation}\": it is append-only")]
    AppendOnly { operation: &'static str, relation: String },
    #[error("jsonb value cannot be brought into canonical form")]
    Json(JsonError),
    #[error("audit entry cannot be hashed")]
    Record(RecordError),
    #[error("canonical text is longer than a text value can be")]
    TextTooLong,
    #[error("value holds text that is not UTF-8")]
    NotUtf8,
    #[error("max_findings must not be negative")]
    NegativeLimit,
    #[error("query on the audit table did not give what it asks for")]
    Spi(pgrx::spi::Error),
}

/// In what an already chained row differs from the link that would be next. It tells where the chain
/// ends, and so is only for who may read the chain.
#[derive(Debug)]
pub(crate) enum WrongLink {
    Position { given: i64, next: i64 },
    Previous { seq: i64, given: Option<Digest>, head: Option<Digest> },
    Hash { seq: i64, given: Digest, computed: Digest },
}

impl WrongLink {
    fn detail(&self) -> String {
        let name = |hash: &Option<Digest>| hash.map_or_else(|| "null".to_owned(), |hash| hash.to_string());
        match self {
            Self::Position { given, next } => {
                format!("Its seq is {given}, the next one of the tenant's chain is {next}.")
            }
            Self::Previous { seq, given, head } => {
                format!("Entry {seq} has the prev_hash {}, the chain's head is {}.", name(given), name(head))
            }
            Self::Hash { seq, given, computed } => {
                format!("Entry {seq} has the hash {given}, its content hashes to {computed}.")
            }
        }
    }
}

impl Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        use PgSqlErrorCode::*;
        match self {
            Self::NotTheTrigger { .. } => ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            Self::MissingColumn { .. } => ERRCODE_UNDEFINED_COLUMN,
            Self::ColumnType { .. } => ERRCODE_DATATYPE_MISMATCH,
            Self::NoChainIndex { .. } | Self::AppendOnly { .. } => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::SplitChain { .. } => ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::NoAudits => ERRCODE_UNDEFINED_TABLE,
            Self::NotATable { .. } => ERRCODE_WRONG_OBJECT_TYPE,
            Self::NullColumn { .. } => ERRCODE_NOT_NULL_VIOLATION,
            Self::Timestamp(_)
            | Self::PartlyChained
            | Self::NotCurrentVersion(_)
            | Self::MalformedHash { .. }
            | Self::NegativeLimit => ERRCODE_INVALID_PARAMETER_VALUE,
            Self::WrongLink(_) => ERRCODE_CHECK_VIOLATION,
            Self::ChainFull { .. } | Self::EntryTooLong { .. } | Self::TextTooLong => {
                ERRCODE_PROGRAM_LIMIT_EXCEEDED
            }
            Self::UnsealedHead { .. } | Self::NotUtf8 => ERRCODE_DATA_CORRUPTED,
            Self::Spi(_) => ERRCODE_INTERNAL_ERROR,
            Self::Json(error) | Self::Record(RecordError::Details(error)) => match error {
                JsonError::TooDeep => ERRCODE_STATEMENT_TOO_COMPLEX,
                _ => ERRCODE_DATA_CORRUPTED,
            },
            Self::Record(RecordError::UnknownVersion(_)) => ERRCODE_INVALID_PARAMETER_VALUE,
        }
    }

    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NotTheTrigger { wanted, .. } => format!("It must be fired {wanted}."),
            Self::ColumnType { wanted, .. } => format!("It must be of type {wanted}."),
            Self::NoChainIndex { .. } => {
                "The index is what finds the end of a chain and what makes a fork impossible to store.".into()
            }
            Self::SplitChain { .. } => {
                "Its index on (tenant_id, seq) is its own, so that a tenant's entries may be in several partitions.".into()
            }
            Self::Timestamp(error) => format!("The {error}."),
            Self::MalformedHash { length, .. } => format!("Its length is {length}, not 32 bytes."),
            Self::EntryTooLong { length, limit } => {
                format!("Written as text it may have {length} bytes, the limit is {limit}.")
            }
            Self::WrongLink(Some(wrong)) => wrong.detail(),
            Self::UnsealedHead { seq, .. } => format!("The hash of entry {seq} is null or not 32 bytes long."),
            Self::Json(error) => format!("{error}."),
            Self::Record(error) => format!("{error}."),
            Self::Spi(error) => format!("{error}."),
            _ => return None,
        })
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoChainIndex { .. } => "Add PRIMARY KEY (tenant_id, seq), not deferrable.",
            Self::SplitChain { .. } => {
                "Partition the table by tenant_id and give its root the primary key (tenant_id, seq)."
            }
            Self::NoAudits => "Name the table in the argument relation, or set search_path.",
            Self::Timestamp(_) => "Use a time in the years 0001 to 9999.",
            Self::PartlyChained => {
                "Leave seq, prev_hash and hash out, so that the trigger sets them; only a restore or replication gives all of them, with hash_version."
            }
            Self::EntryTooLong { .. } => "Keep large objects elsewhere, and record their hash.",
            Self::NotCurrentVersion(_) => "Leave hash_version out, so that the trigger sets it.",
            Self::WrongLink(_) => {
                "Rows that are already chained can only be restored in the order of seq, behind the entry that they followed."
            }
            Self::UnsealedHead { .. } => {
                "Look at the chain with af_audit_verify() before anything is added to it."
            }
            Self::AppendOnly { .. } => "Record a correction as a new entry.",
            _ => return None,
        })
    }

    /// Raises the error; the statement ends here.
    #[track_caller]
    pub(crate) fn raise(self) -> ! {
        ErrorReport::from(self).report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }
}

impl From<Error> for ErrorReport {
    #[track_caller]
    fn from(error: Error) -> Self {
        let mut report = Self::new(error.sqlstate(), error.to_string(), "pg_af");
        if let Some(detail) = error.detail() {
            report = report.set_detail(detail);
        }
        if let Some(hint) = error.hint() {
            report = report.set_hint(hint);
        }
        report
    }
}
