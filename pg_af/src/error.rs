//! Every error that a user can see. SQLSTATEs are named here and nowhere else.
//!
//! Style as PostgreSQL's own: the primary message in lower case without a full stop, DETAIL and HINT
//! as sentences. Values of the row are never repeated beyond hashes and positions.

use af_core::canonical::JsonError;
use af_core::digest::Digest;
use af_core::envelope::{EnvelopeError, MESSAGE_TYPES, MalformedHash};
use af_core::record::RecordError;
use af_core::timestamp::TimestampError;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};

/// What can go wrong in a function or trigger of the extension.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("function {function} was not called as the trigger it is")]
    NotTheTrigger { function: &'static str, wanted: &'static str },
    #[error("relation \"{relation}\" is not {}: column \"{column}\" is missing", table.with_article())]
    MissingColumn { relation: String, table: Table, column: &'static str },
    #[error("relation \"{relation}\" is not {}: column \"{column}\" has the wrong type", table.with_article())]
    ColumnType { relation: String, table: Table, column: &'static str, wanted: &'static str },
    #[error("audit table \"{relation}\" has no unique index on (tenant_id, seq)")]
    NoChainIndex { relation: String },
    #[error("audit table \"{relation}\" is a partition that does not hold whole chains")]
    SplitChain { relation: String },
    #[error("relation \"{0}\" does not exist in the search path")]
    NoTable(&'static str),
    #[error("\"{relation}\" is neither a table nor a partitioned table")]
    NotATable { relation: String },
    #[error("null value in column \"{column}\" of {} \"{relation}\"", table.noun())]
    NullColumn { relation: String, table: Table, column: &'static str },
    #[error("timestamp of the {} cannot be recorded", table.row())]
    Timestamp { table: Table, error: TimestampError },
    #[error("audit entry has some of its chain columns set, but not all")]
    PartlyChained,
    #[error("hash_version {0} is not one that new entries can have")]
    NotCurrentVersion(i16),
    #[error("{column} of the audit entry is not a SHA-256 hash")]
    MalformedHash { column: &'static str, length: usize },
    #[error("{} is too long", table.row())]
    TooLong { table: Table, length: u64, limit: u64 },
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
    #[error("message has no envelope_hash")]
    NoEnvelopeHash { computed: Digest },
    #[error("envelope_hash of the message is not a SHA-256 hash in lower-case hexadecimal")]
    MalformedEnvelopeHash { error: MalformedHash, computed: Digest },
    #[error("envelope_hash does not match the message")]
    WrongEnvelopeHash { given: Digest, computed: Digest },
    #[error("type of the message is unknown")]
    UnknownMessageType,
    #[error("envelope of the message cannot be hashed")]
    Envelope(EnvelopeError),
    #[error("canonical text is longer than a text value can be")]
    TextTooLong,
    #[error("value holds text that is not UTF-8")]
    NotUtf8,
    #[error("max_findings must not be negative")]
    NegativeLimit,
    #[error("tenant, after_seq and after_hash must not be null")]
    NoAnchor,
    #[error("after_seq is {0}, not the position of an entry")]
    AnchorPosition(i64),
    #[error("key of the tally is not 16 bytes")]
    NoTallyKey,
    #[error("function is called outside of the aggregate that it is a part of")]
    NotInAggregate,
    #[error("bytes are not those of a tally")]
    NotATally,
    #[error("no random bytes can be had")]
    NoRandomness,
    #[error("two checks of a chain disagree")]
    ChecksDisagree,
    #[error("synchronous standbys have not confirmed what was read")]
    NotReplicated,
    #[error("query on the table did not give what it asks for")]
    Spi(pgrx::spi::Error),
}

/// A kind of table that the extension knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Audits,
    Messages,
    Checkpoints,
}

impl Table {
    /// What it is called where nobody names one.
    pub(crate) fn default_name(self) -> &'static str {
        match self {
            Self::Audits => "audits",
            Self::Messages => "messages",
            Self::Checkpoints => "audit_checkpoints",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Audits => "audit table",
            Self::Messages => "message table",
            Self::Checkpoints => "table of checkpoints",
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::Audits => "an audit table",
            Self::Messages => "a message table",
            Self::Checkpoints => "a table of checkpoints",
        }
    }

    /// What a row of it is.
    fn row(self) -> &'static str {
        match self {
            Self::Audits => "audit entry",
            Self::Messages => "message",
            Self::Checkpoints => "checkpoint",
        }
    }
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
            Self::NoTable(_) => ERRCODE_UNDEFINED_TABLE,
            Self::NotATable { .. } => ERRCODE_WRONG_OBJECT_TYPE,
            Self::NullColumn { .. } | Self::NoEnvelopeHash { .. } => ERRCODE_NOT_NULL_VIOLATION,
            Self::Timestamp { .. }
            | Self::MalformedEnvelopeHash { .. }
            | Self::PartlyChained
            | Self::NotCurrentVersion(_)
            | Self::MalformedHash { .. }
            | Self::NegativeLimit
            | Self::AnchorPosition(_)
            | Self::NoTallyKey => ERRCODE_INVALID_PARAMETER_VALUE,
            Self::WrongLink(_) | Self::WrongEnvelopeHash { .. } | Self::UnknownMessageType => {
                ERRCODE_CHECK_VIOLATION
            }
            Self::ChainFull { .. } | Self::TooLong { .. } | Self::TextTooLong => {
                ERRCODE_PROGRAM_LIMIT_EXCEEDED
            }
            Self::UnsealedHead { .. } | Self::NotUtf8 => ERRCODE_DATA_CORRUPTED,
            Self::NoAnchor => ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Self::NotInAggregate => ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::NotReplicated => ERRCODE_QUERY_CANCELED,
            Self::Spi(_) | Self::NotATally | Self::NoRandomness | Self::ChecksDisagree => {
                ERRCODE_INTERNAL_ERROR
            }
            Self::Json(error)
            | Self::Record(RecordError::Details(error))
            | Self::Envelope(EnvelopeError { source: error, .. }) => match error {
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
            Self::Timestamp { error, .. } => format!("The {error}."),
            Self::MalformedHash { length, .. } => format!("Its length is {length}, not 32 bytes."),
            Self::TooLong { length, limit, .. } => {
                format!("Written as text it may have {length} bytes, the limit is {limit}.")
            }
            Self::WrongLink(Some(wrong)) => wrong.detail(),
            Self::UnsealedHead { seq, .. } => format!("The hash of entry {seq} is null or not 32 bytes long."),
            Self::Json(error) => format!("{error}."),
            Self::Record(error) => format!("{error}."),
            Self::NoEnvelopeHash { computed } => format!("Its envelope hashes to {computed}."),
            Self::MalformedEnvelopeHash { error, computed } => {
                format!("What is given is none: {error}. The envelope hashes to {computed}.")
            }
            Self::WrongEnvelopeHash { given, computed } => {
                format!("The envelope hashes to {computed}, the envelope_hash that is given is {given}.")
            }
            Self::UnknownMessageType => format!("The type must be one of {}.", MESSAGE_TYPES.join(", ")),
            Self::Envelope(error) => format!("{error}."),
            Self::Spi(error) => format!("{error}."),
            Self::ChecksDisagree => {
                "Its entries do not add up to an intact chain, but one by one nothing is found.".into()
            }
            Self::NotReplicated => {
                "The wait for them was cancelled; what was read may be lost if a standby takes over.".into()
            }
            _ => return None,
        })
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoChainIndex { .. } => "Add PRIMARY KEY (tenant_id, seq), not deferrable.",
            Self::SplitChain { .. } => {
                "Partition the table by tenant_id and give its root the primary key (tenant_id, seq)."
            }
            Self::NoTable(_) => "Name the table in the argument relation, or set search_path.",
            Self::Timestamp { .. } => "Use a time in the years 0001 to 9999.",
            Self::PartlyChained => {
                "Leave seq, prev_hash and hash out, so that the trigger sets them; only a restore or replication gives all of them, with hash_version."
            }
            Self::TooLong { .. } => "Keep large objects elsewhere, and record their hash.",
            Self::NotCurrentVersion(_) => "Leave hash_version out, so that the trigger sets it.",
            Self::WrongLink(_) => {
                "Rows that are already chained can only be restored in the order of seq, behind the entry that they followed."
            }
            Self::UnsealedHead { .. } => {
                "Look at the chain with af_audit_verify() before anything is added to it."
            }
            Self::NoEnvelopeHash { .. } | Self::MalformedEnvelopeHash { .. } => {
                "The producer gives it: SHA-256 of the canonical envelope, as 64 lower-case hexadecimal digits (see af_envelope_hash)."
            }
            Self::WrongEnvelopeHash { .. } => {
                "Compare what the producer hashes with af_envelope(): escaped <, > and &, and times finer than a microsecond, are the usual causes."
            }
            Self::UnknownMessageType => {
                "Types are written in lower case; what is neither asked nor answered is an event."
            }
            Self::NoAnchor | Self::AnchorPosition(_) => {
                "Give the head_seq and head_hash of an earlier verification, or neither to verify the whole chain."
            }
            Self::ChecksDisagree => "Suspect the machine's memory, or an error in pg_af: nothing is proved.",
            Self::NotReplicated => "See to the standbys in pg_stat_replication, and ask again.",
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
