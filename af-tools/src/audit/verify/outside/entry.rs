//! A row of COPY as an entry of a chain.

use af_core::canonical::Json;
use af_core::chain::{Entry, Unreadable};
use af_core::record::Record;
use af_core::timestamp::Timestamp;
use uuid::Uuid;

use crate::copy::{CopyError, Tuple};

/// A row as the verifier takes it. The columns are in the order of `AUDIT_COLUMNS`.
pub(in crate::audit) fn entry<'a>(row: &Tuple<'a>) -> Result<Entry<'a>, CopyError> {
    let (tenant_id, seq, id) = (row.uuid(0)?, row.int8(1)?, row.uuid(2)?);
    Ok(Entry {
        tenant_id,
        seq,
        id,
        prev_hash: row.bytes(11)?,
        hash: row.bytes(12)?,
        record: record(row, tenant_id, seq, id)?,
    })
}

fn record<'a>(
    row: &Tuple<'a>,
    tenant_id: Option<Uuid>,
    seq: Option<i64>,
    id: Option<Uuid>,
) -> Result<Result<Record<'a>, Unreadable>, CopyError> {
    let ts = row.int8(3)?;
    let texts = [row.bytes(4)?, row.bytes(5)?, row.bytes(6)?, row.bytes(7)?];
    let (resource_id, details, hash_version) = (row.bytes(8)?, row.jsonb(9)?, row.int2(10)?);
    let record = || {
        Ok(Record {
            tenant_id: tenant_id.ok_or(Unreadable::NullColumn("tenant_id"))?,
            seq: seq.ok_or(Unreadable::NullColumn("seq"))?,
            id: id.ok_or(Unreadable::NullColumn("id"))?,
            ts: Timestamp::from_postgres_micros(ts.ok_or(Unreadable::NullColumn("ts"))?)?,
            actor_type: texts[0].ok_or(Unreadable::NullColumn("actor_type"))?,
            actor_id: texts[1].ok_or(Unreadable::NullColumn("actor_id"))?,
            action: texts[2].ok_or(Unreadable::NullColumn("action"))?,
            resource_type: texts[3].ok_or(Unreadable::NullColumn("resource_type"))?,
            resource_id,
            details: Json::Text(details.ok_or(Unreadable::NullColumn("details"))?),
            hash_version: hash_version.ok_or(Unreadable::NullColumn("hash_version"))?,
        })
    };
    Ok(record())
}
