//! Canonical text, record and hash as SQL functions, so that anybody can redo a hash by hand.

use af_core::canonical::{Canonicalizer, Sink};
use af_core::record::{Record, RecordHasher};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::convert::{timestamp_from_sql, uuid_from_sql};
use crate::error::{Error, Table};
use crate::jsonb::Jsonb;

/// Text for a SQL value. What would not fit into one (1 GB) is not kept, only noticed.
#[derive(Default)]
pub(crate) struct TextSink {
    bytes: Vec<u8>,
    is_full: bool,
}

impl TextSink {
    /// MaxAllocSize (utils/memutils.h) less the varlena header.
    const MAX_BYTES: usize = 0x3fff_ffff - 4;

    /// What was written, as UTF-8.
    pub(crate) fn into_text(self) -> Result<String, Error> {
        if self.is_full {
            return Err(Error::TextTooLong);
        }
        // Only damaged data can hold anything but UTF-8 in a database of that encoding.
        String::from_utf8(self.bytes).map_err(|_| Error::NotUtf8)
    }
}

impl Sink for TextSink {
    fn write(&mut self, bytes: &[u8]) {
        if self.is_full || bytes.len() > Self::MAX_BYTES - self.bytes.len() {
            self.is_full = true;
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

/// The canonical text of a JSON value.
#[pg_extern(immutable, strict, parallel_safe)]
fn af_canonical_json(value: Jsonb<'_>) -> Result<String, ErrorReport> {
    let mut sink = TextSink::default();
    Canonicalizer::default().write(value.json(), &mut sink).map_err(Error::Json)?;
    Ok(sink.into_text()?)
}

/// The canonical record that the hash of an audit entry covers; null if a column is null that an
/// entry must have.
#[pg_extern(immutable, parallel_safe)]
#[expect(clippy::too_many_arguments, reason = "one for each hashed column")]
fn af_audit_record(
    hash_version: Option<i16>,
    tenant_id: Option<pgrx::Uuid>,
    seq: Option<i64>,
    id: Option<pgrx::Uuid>,
    actor_type: Option<&str>,
    actor_id: Option<&str>,
    action: Option<&str>,
    resource_type: Option<&str>,
    resource_id: Option<&str>,
    details: Option<Jsonb<'_>>,
    ts: Option<TimestampWithTimeZone>,
) -> Result<Option<String>, ErrorReport> {
    let record = record(
        hash_version,
        tenant_id,
        seq,
        id,
        actor_type,
        actor_id,
        action,
        resource_type,
        resource_id,
        details,
        ts,
    )?;
    let Some(record) = record else { return Ok(None) };
    let mut sink = TextSink::default();
    RecordHasher::default().write(&record, &mut sink).map_err(Error::Record)?;
    Ok(Some(sink.into_text()?))
}

/// The hash of an audit entry, 32 bytes; null if a column is null that an entry must have.
#[pg_extern(immutable, parallel_safe)]
#[expect(clippy::too_many_arguments, reason = "one for each hashed column")]
fn af_audit_hash(
    prev_hash: Option<&[u8]>,
    hash_version: Option<i16>,
    tenant_id: Option<pgrx::Uuid>,
    seq: Option<i64>,
    id: Option<pgrx::Uuid>,
    actor_type: Option<&str>,
    actor_id: Option<&str>,
    action: Option<&str>,
    resource_type: Option<&str>,
    resource_id: Option<&str>,
    details: Option<Jsonb<'_>>,
    ts: Option<TimestampWithTimeZone>,
) -> Result<Option<Vec<u8>>, ErrorReport> {
    if let Some(prev) = prev_hash.filter(|prev| prev.len() != 32) {
        return Err(Error::MalformedHash { column: "prev_hash", length: prev.len() }.into());
    }
    let record = record(
        hash_version,
        tenant_id,
        seq,
        id,
        actor_type,
        actor_id,
        action,
        resource_type,
        resource_id,
        details,
        ts,
    )?;
    let Some(record) = record else { return Ok(None) };
    let hash = RecordHasher::default().hash(prev_hash, &record).map_err(Error::Record)?;
    Ok(Some(hash.as_bytes().to_vec()))
}

/// The record of these columns, unless one is null that must not be.
#[expect(clippy::too_many_arguments, reason = "one for each hashed column")]
fn record<'a>(
    hash_version: Option<i16>,
    tenant_id: Option<pgrx::Uuid>,
    seq: Option<i64>,
    id: Option<pgrx::Uuid>,
    actor_type: Option<&'a str>,
    actor_id: Option<&'a str>,
    action: Option<&'a str>,
    resource_type: Option<&'a str>,
    resource_id: Option<&'a str>,
    details: Option<Jsonb<'a>>,
    ts: Option<TimestampWithTimeZone>,
) -> Result<Option<Record<'a>>, Error> {
    let Some(ts) = ts else { return Ok(None) };
    let ts = timestamp_from_sql(ts, Table::Audits)?;
    let record = || {
        Some(Record {
            hash_version: hash_version?,
            tenant_id: uuid_from_sql(tenant_id?),
            seq: seq?,
            id: uuid_from_sql(id?),
            actor_type: actor_type?.as_bytes(),
            actor_id: actor_id?.as_bytes(),
            action: action?.as_bytes(),
            resource_type: resource_type?.as_bytes(),
            resource_id: resource_id.map(str::as_bytes),
            details: details?.json(),
            ts,
        })
    };
    Ok(record())
}

/// The version of the library that is loaded, which an upgrade of the extension in SQL must match.
#[pg_extern(immutable, strict, parallel_safe)]
fn af_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
