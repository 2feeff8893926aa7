//! UUIDs as pgrx has them and as `af-core` has them.

use uuid::Uuid;

/// For `af-core`.
pub(crate) fn uuid_from_sql(uuid: pgrx::Uuid) -> Uuid {
    Uuid::from_bytes(*uuid.as_bytes())
}

/// For SQL.
pub(crate) fn uuid_to_sql(uuid: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(uuid.into_bytes())
}
