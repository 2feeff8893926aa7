//! The columns of audits as they are read.

use crate::relation::ColumnType;

/// The columns of audits, in the order in which they are read, with their types.
pub(crate) const AUDIT_COLUMNS: [ColumnType; 13] = [
    ("tenant_id", "uuid"),
    ("seq", "bigint"),
    ("id", "uuid"),
    ("ts", "timestamp with time zone"),
    ("actor_type", "text"),
    ("actor_id", "text"),
    ("action", "text"),
    ("resource_type", "text"),
    ("resource_id", "text"),
    ("details", "jsonb"),
    ("hash_version", "smallint"),
    ("prev_hash", "bytea"),
    ("hash", "bytea"),
];
