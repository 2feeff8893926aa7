//! Verification by the server's own function.

use postgres::Transaction;
use postgres::fallible_iterator::FallibleIterator;
use uuid::Uuid;

use super::{Chain, Error, Finding, Found, Options, Status, doing};
use crate::relation::Relation;
use crate::watch::Watch;

const VERIFY: &str = "SELECT tenant_id, status, entries, head_seq, head_hash, first_bad_seq, first_bad_id, finding, detail \
     FROM af_audit_verify($1, $2::oid::regclass)";
/// Asked without a tenant, the function lists all chains; the condition keeps that of rows without tenant.
const FINDINGS: &str = "SELECT tenant_id, seq, id, finding, detail FROM af_audit_findings($1, $2::oid::regclass, 2147483647) \
     WHERE tenant_id IS NOT DISTINCT FROM $1";

pub(super) fn verify(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Found, Error> {
    let tenants: Vec<Option<Uuid>> = match options.tenants.as_slice() {
        [] => vec![None],
        tenants => tenants.iter().copied().map(Some).collect(),
    };
    let mut found = Found { jobs: 1, ..Found::default() };
    for tenant in tenants {
        let rows =
            transaction.query(VERIFY, &[&tenant, &relation.oid]).map_err(doing("verify in the database"))?;
        for row in rows {
            let mut chain = read_chain(&row).map_err(doing("read the result of af_audit_verify"))?;
            watch.advance(chain.entries);
            if chain.status == Status::Tampered {
                add_findings(transaction, relation, options, &mut chain, &mut found.findings)?;
            }
            // A chain without entries is no chain; the caller adds those that were asked for.
            if chain.entries > 0 || chain.findings > 0 {
                found.chains.push(chain);
            }
        }
    }
    Ok(found)
}

fn read_chain(row: &postgres::Row) -> Result<Chain, postgres::Error> {
    let status = match row.try_get::<_, &str>("status")? {
        "ok" => Status::Ok,
        "tampered" => Status::Tampered,
        _ => Status::Partial,
    };
    let tenant_id = row.try_get("tenant_id")?;
    let detail: Option<String> = row.try_get("detail")?;
    let first_finding = match row.try_get::<_, Option<String>>("finding")? {
        Some(finding) => Some(Finding {
            tenant_id,
            seq: row.try_get("first_bad_seq")?,
            id: row.try_get("first_bad_id")?,
            finding,
            detail: detail.clone().unwrap_or_default(),
        }),
        None => None,
    };
    let entries: Option<i64> = row.try_get("entries")?;
    let head_hash: Option<Vec<u8>> = row.try_get("head_hash")?;
    Ok(Chain {
        tenant_id,
        tenant: None,
        after: None,
        status,
        entries: entries.and_then(|entries| u64::try_from(entries).ok()).unwrap_or(0),
        head_seq: row.try_get("head_seq")?,
        head_hash: head_hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()),
        findings: 0,
        note: detail.filter(|_| first_finding.is_none()),
        first_finding,
        checkpoints: Vec::new(),
        proven_seq: None,
    })
}

/// Counts the findings of a chain, and keeps those that the limit allows.
fn add_findings(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    options: &Options,
    chain: &mut Chain,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    const DOING: &str = "list the findings in the database";
    let parameters: [&(dyn postgres::types::ToSql + Sync); 2] = [&chain.tenant_id, &relation.oid];
    let mut rows = transaction.query_raw(FINDINGS, parameters).map_err(doing(DOING))?;
    while let Some(row) = rows.next().map_err(doing(DOING))? {
        chain.findings += 1;
        if chain.findings > 1 && findings.len() >= options.max_findings {
            continue;
        }
        let finding = read_finding(&row).map_err(doing(DOING))?;
        if chain.findings == 1 {
            chain.first_finding = Some(finding.clone());
        }
        if findings.len() < options.max_findings {
            findings.push(finding);
        }
    }
    Ok(())
}

fn read_finding(row: &postgres::Row) -> Result<Finding, postgres::Error> {
    Ok(Finding {
        tenant_id: row.try_get("tenant_id")?,
        seq: row.try_get("seq")?,
        id: row.try_get("id")?,
        finding: row.try_get("finding")?,
        detail: row.try_get::<_, Option<String>>("detail")?.unwrap_or_default(),
    })
}
