//! Values as pgrx has them and as `af-core` has them.

use af_core::timestamp::Timestamp;
use pgrx::prelude::TimestampWithTimeZone;
use uuid::Uuid;

use crate::error::{Error, Table};

/// For `af-core`.
pub(crate) fn uuid_from_sql(uuid: pgrx::Uuid) -> Uuid {
    Uuid::from_bytes(*uuid.as_bytes())
}

/// For SQL.
pub(crate) fn uuid_to_sql(uuid: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(uuid.into_bytes())
}

/// For `af-core`; an error for a time that a row of such a table cannot have.
pub(crate) fn timestamp_from_sql(ts: TimestampWithTimeZone, table: Table) -> Result<Timestamp, Error> {
    Timestamp::from_postgres_micros(ts.into()).map_err(|error| Error::Timestamp { table, error })
}
