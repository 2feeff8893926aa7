//! Verification by this program, over rows that it pulls itself.

use af_core::canonical::Json;
use af_core::chain::{ChainReport, Entry, Unreadable, Verifier, View};
use af_core::record::Record;
use af_core::timestamp::Timestamp;
use postgres::Transaction;
use uuid::Uuid;

use super::{Chain, Error, Finding, Found, Options, doing};
use crate::audit::columns::AUDIT_COLUMNS;
use crate::copy::{CopyError, Tuple, TupleReader};
use crate::relation::{Relation, tenants_condition};
use crate::server::ServerError;
use crate::watch::Watch;

/// How many entries pass between two looks at the watch.
const STRIDE: u64 = 1024;

pub(super) fn verify(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    options: &Options,
    view: View,
    watch: &mut dyn Watch,
) -> Result<Found, Error> {
    let copy =
        transaction.copy_out(&copy_statement(relation, &options.tenants)).map_err(doing("read entries"))?;
    let mut rows = TupleReader::new(copy, &AUDIT_COLUMNS);
    let mut verifier = Verifier::new(view);
    let mut chains = Vec::new();
    let mut findings = Vec::new();
    let mut keep = |finding| {
        if findings.len() < options.max_findings {
            findings.push(Finding::from(finding));
        }
    };
    let mut count = 0;
    while let Some(row) = rows.next()? {
        chains.extend(verifier.push(&entry(&row)?, &mut keep).map(Chain::from));
        count += 1;
        if count % STRIDE == 0 {
            watch.advance(STRIDE);
            if watch.is_interrupted() {
                let source = ServerError::message("interrupted");
                return Err(Error::Server { doing: "read entries", source });
            }
        }
    }
    watch.advance(count % STRIDE);
    chains.extend(verifier.finish(&mut keep).map(Chain::from));
    Ok(Found { chains, findings })
}

/// COPY takes no parameters; the table's name is quoted by the server.
fn copy_statement(relation: &Relation, tenants: &[Uuid]) -> String {
    let columns = AUDIT_COLUMNS.map(|(column, _)| column).join(", ");
    let condition =
        tenants_condition(tenants).map_or_else(String::new, |tenants| format!(" WHERE {tenants}"));
    let table = &relation.name;
    format!(
        "COPY (SELECT {columns} FROM {table}{condition} ORDER BY tenant_id, seq) TO STDOUT (FORMAT binary)"
    )
}

/// A row as the verifier takes it. The columns are in the order of `AUDIT_COLUMNS`.
fn entry<'a>(row: &Tuple<'a>) -> Result<Entry<'a>, CopyError> {
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

impl From<ChainReport> for Chain {
    fn from(report: ChainReport) -> Self {
        let status = report.status().into();
        let note = report.first_unchecked.map(|first| {
            format!(
                "{} entries have a hash_version that this build does not know, the first is seq {} (version {})",
                report.unchecked, first.seq, first.hash_version
            )
        });
        Self {
            tenant_id: report.tenant_id,
            tenant: None,
            status,
            entries: report.entries,
            head_seq: report.head.map(|head| head.seq),
            head_hash: report.head.and_then(|head| head.hash).map(|hash| hash.to_string()),
            findings: report.findings,
            first_finding: report.first_finding.map(Finding::from),
            note,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_names_the_chains() {
        let relation = Relation { oid: 1, name: "public.audits".to_owned() };
        let all = copy_statement(&relation, &[]);
        assert!(all.starts_with("COPY (SELECT tenant_id, seq, id, ts, "), "{all}");
        assert!(
            all.ends_with(" FROM public.audits ORDER BY tenant_id, seq) TO STDOUT (FORMAT binary)"),
            "{all}"
        );
        let two = copy_statement(&relation, &[Uuid::from_u128(1), Uuid::from_u128(2)]);
        assert!(two.contains(" WHERE tenant_id IN ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002') ORDER BY"), "{two}");
    }
}
