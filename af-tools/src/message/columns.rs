//! The columns of messages as they are read.

use crate::relation::ColumnType;

/// The columns of messages, in the order in which they are read, with their types.
pub(super) const MESSAGE_COLUMNS: [ColumnType; 12] = [
    ("tenant_id", "uuid"),
    ("id", "uuid"),
    ("trace_id", "text"),
    ("span_id", "text"),
    ("from_agent", "text"),
    ("to_agent", "text"),
    ("type", "text"),
    ("payload", "jsonb"),
    ("metadata", "jsonb"),
    ("cost", "jsonb"),
    ("ts", "timestamp with time zone"),
    ("envelope_hash", "text"),
];
