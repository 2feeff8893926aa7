//! `af_audit_verify`, `af_audit_findings` and `af_audit_head`: what was found, as rows.

use af_core::chain::{Anchor, ChainReport, Finding, Status, View};
use af_core::digest::Digest;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{PgRelation, Uuid};

use super::target::Target;
use super::{check, checkpoints, ordered};
use crate::convert::{uuid_from_sql, uuid_to_sql};
use crate::durable;
use crate::error::Error;
use crate::fmgr::own_schema;
use crate::tuple::audit::AuditColumn;

/// A chain's verdict, as a row of the result.
type Verdict = (
    Option<Uuid>,
    &'static str,
    i64,
    Option<i64>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<Uuid>,
    Option<&'static str>,
    Option<String>,
);

/// Checks every entry and link: one row a chain, in the order of tenants.
///
/// Where there is nothing to check, one row says so, with 0 entries.
#[pg_extern(stable, parallel_restricted)]
#[expect(clippy::type_complexity, reason = "the columns of the result")]
fn af_audit_verify(
    tenant: default!(Option<Uuid>, "NULL"),
    relation: default!(Option<PgRelation>, "NULL"),
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<
    TableIterator<
        'static,
        (
            name!(tenant_id, Option<Uuid>),
            name!(status, &'static str),
            name!(entries, i64),
            name!(head_seq, Option<i64>),
            name!(head_hash, Option<Vec<u8>>),
            name!(first_bad_seq, Option<i64>),
            name!(first_bad_id, Option<Uuid>),
            name!(finding, Option<&'static str>),
            name!(detail, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let target = Target::open::<AuditColumn>(tenant, relation)?;
    let view = target.view()?;
    // SAFETY: fcinfo is that of this call.
    let schema = unsafe { own_schema(fcinfo) };
    let mut reports = check(&target, view, &schema, &mut |_| ())?;
    checkpoints::compare(&target, view, &mut reports)?;
    durable::flush()?;
    if reports.is_empty() {
        reports.push(ChainReport::empty(tenant.map(uuid_from_sql)));
    }
    Ok(TableIterator::new(reports.into_iter().map(move |report| verdict(report, view))))
}

/// Checks what a tenant's chain has got since an entry whose hash was recorded: that this is still there as it was, and
/// every entry and link behind it. What is older is not read.
#[pg_extern(stable, parallel_restricted, name = "af_audit_verify")]
#[expect(clippy::type_complexity, reason = "the columns of the result")]
fn af_audit_verify_since(
    tenant: Option<Uuid>,
    after_seq: Option<i64>,
    after_hash: Option<&[u8]>,
    relation: default!(Option<PgRelation>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(tenant_id, Option<Uuid>),
            name!(status, &'static str),
            name!(entries, i64),
            name!(head_seq, Option<i64>),
            name!(head_hash, Option<Vec<u8>>),
            name!(first_bad_seq, Option<i64>),
            name!(first_bad_id, Option<Uuid>),
            name!(finding, Option<&'static str>),
            name!(detail, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let (Some(tenant), Some(seq), Some(hash)) = (tenant, after_seq, after_hash) else {
        return Err(Error::NoAnchor.into());
    };
    if seq < 1 {
        return Err(Error::AnchorPosition(seq).into());
    }
    let hash =
        Digest::from_slice(hash).ok_or(Error::MalformedHash { column: "after_hash", length: hash.len() })?;
    let anchor = Anchor { tenant_id: uuid_from_sql(tenant), seq, hash };
    let target = Target::open::<AuditColumn>(None, relation)?.since(anchor);
    let view = target.view()?;
    let mut reports = ordered::walk(&target, view, &mut |_| ())?;
    checkpoints::compare(&target, view, &mut reports)?;
    durable::flush()?;
    Ok(TableIterator::new(reports.into_iter().map(move |report| verdict(report, view))))
}

fn verdict(report: ChainReport, view: View) -> Verdict {
    let status = match report.status() {
        Status::Ok if view == View::Filtered => Status::Partial,
        status => status,
    };
    let detail = detail(&report, view);
    let unchecked = report.first_unchecked;
    let (seq, id, kind) = match report.first_finding {
        Some(finding) => (finding.seq, finding.id, Some(finding.kind.as_str())),
        None => (unchecked.map(|entry| entry.seq), unchecked.and_then(|entry| entry.id), None),
    };
    (
        report.tenant_id.map(uuid_to_sql),
        status.as_str(),
        report.entries as i64,
        report.head.map(|head| head.seq),
        report.head.and_then(|head| head.hash).map(|hash| hash.as_bytes().to_vec()),
        seq,
        id.map(uuid_to_sql),
        kind,
        detail,
    )
}

/// The first finding in words, or why the chain could not be checked whole.
fn detail(report: &ChainReport, view: View) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(finding) = &report.first_finding {
        parts.push(finding.detail.clone());
        if report.findings > 1 {
            parts.push(format!("{} findings in all", report.findings));
        }
    }
    if let Some(entry) = report.first_unchecked {
        parts.push(format!(
            "entries not checked: {} (hash_version is unknown to this build; the first has {})",
            report.unchecked, entry.hash_version
        ));
    }
    if view == View::Filtered {
        parts.push("row-level security may hide rows".to_owned());
    }
    match report.after {
        Some(anchor) => parts.push(format!("entries before {} were not read", anchor.seq)),
        None if report.entries == 0 && report.findings == 0 => parts.push("no entries".to_owned()),
        None => {}
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Checks every entry and link: one row a finding, in the order of tenants and positions, at most
/// `max_findings` of them.
#[pg_extern(stable, parallel_restricted)]
#[expect(clippy::type_complexity, reason = "the columns of the result")]
fn af_audit_findings(
    tenant: default!(Option<Uuid>, "NULL"),
    relation: default!(Option<PgRelation>, "NULL"),
    max_findings: default!(i32, "1000"),
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<
    TableIterator<
        'static,
        (
            name!(tenant_id, Option<Uuid>),
            name!(seq, Option<i64>),
            name!(id, Option<Uuid>),
            name!(finding, &'static str),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    let limit = usize::try_from(max_findings).map_err(|_| Error::NegativeLimit)?;
    let target = Target::open::<AuditColumn>(tenant, relation)?;
    let mut findings: Vec<Finding> = Vec::new();
    // SAFETY: fcinfo is that of this call.
    let schema = unsafe { own_schema(fcinfo) };
    let view = target.view()?;
    let mut reports = check(&target, view, &schema, &mut |finding| {
        if findings.len() < limit {
            findings.push(finding);
        }
    })?;
    findings.extend(checkpoints::compare(&target, view, &mut reports)?);
    findings.sort_by(Finding::order);
    findings.truncate(limit);
    durable::flush()?;
    Ok(TableIterator::new(findings.into_iter().map(|finding| {
        (
            finding.tenant_id.map(uuid_to_sql),
            finding.seq,
            finding.id.map(uuid_to_sql),
            finding.kind.as_str(),
            finding.detail,
        )
    })))
}

/// The last entry of a tenant's chain; no row if it has none. Nothing is checked.
#[pg_extern(stable, parallel_restricted)]
#[expect(clippy::type_complexity, reason = "the columns of the result")]
fn af_audit_head(
    tenant: Option<Uuid>,
    relation: default!(Option<PgRelation>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (name!(seq, Option<i64>), name!(hash, Option<Vec<u8>>), name!(ts, Option<TimestampWithTimeZone>)),
    >,
    ErrorReport,
> {
    let Some(tenant) = tenant else { return Ok(TableIterator::new(std::iter::empty())) };
    let target = Target::open::<AuditColumn>(Some(tenant), relation)?;
    let (relation, condition) = (target.quoted_name(), target.condition());
    let query = format!("SELECT seq, hash, ts FROM {relation} {condition} ORDER BY seq DESC LIMIT 1");
    let head = Spi::connect(|client| -> Result<_, pgrx::spi::Error> {
        let table = client.select(query.as_str(), Some(1), &[])?;
        if table.is_empty() {
            return Ok(None);
        }
        let row = table.first();
        Ok(Some((row.get(1)?, row.get(2)?, row.get(3)?)))
    });
    let head = head.map_err(Error::Spi)?;
    durable::flush()?;
    Ok(TableIterator::new(head))
}
