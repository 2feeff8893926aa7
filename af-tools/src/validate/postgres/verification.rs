//! When the ledger was last verified, and what that came to, as `af-tools audit verify --record` keeps it.

use af_queries::queries::audit_verifications;
use postgres::Client;
use serde_json::json;

use crate::numbers::counted;
use crate::server::ServerError;
use crate::validate::health::{Finding, Status};

const PART: &str = "lastVerification";
/// Who verifies daily has had a week to notice that it does not run any more.
const OLDEST_DAYS: f64 = 8.0;

/// What the last recorded verification of everything came to, and how old it is; where that cannot be told, why not. One of a part
/// that found something since counts as well.
pub(super) fn look(client: &mut Client) -> Result<Result<Finding, &'static str>, ServerError> {
    const MAY: &str = "SELECT has_table_privilege(t.found, 'SELECT') \
         FROM (SELECT to_regclass('audit_verifications') AS found) AS t WHERE t.found IS NOT NULL";
    match client.query_opt(MAY, &[])?.map(|row| row.get::<_, bool>(0)) {
        None => return Ok(Err("the table audit_verifications is not there: `af-tools migrate up` makes it")),
        Some(false) => {
            return Ok(Err("this role may not read the table audit_verifications; af_auditor may"));
        }
        Some(true) => {}
    }
    let whole = audit_verifications::last().bind(client).opt()?;
    let found = audit_verifications::last_finding().bind(client).opt()?;
    let Some(last) = whole.into_iter().chain(found).max_by_key(|one| one.finished_at) else {
        return Ok(Err(
            "no verification is recorded, or none that this role sees: `af-tools audit verify --record` records one",
        ));
    };
    let days: f64 = client
        .query_one(
            "SELECT (extract(epoch FROM clock_timestamp() - $1) / 86400)::float8",
            &[&last.finished_at],
        )?
        .get(0);
    let findings = u64::try_from(last.findings).unwrap_or_default();
    let observed = json!({
        "status": last.status, "guards": last.guards, "findings": last.findings, "entries": last.entries,
        "ageDays": (days * 10.0).round() / 10.0, "checkpoint": last.checkpoint, "by": last.verified_by,
    });
    const FORENSICS: &str = "docs/forensics.md says what to do, in which order.";
    let problem = |status, output: String, guidance: &str| {
        Finding::problem(status, PART, observed.clone(), output, guidance)
    };
    Ok(Ok(match last.status.as_str() {
        "tampered" => problem(
            Status::Fail,
            format!(
                "the last verification, {days:.1} days ago, came to {}",
                counted(findings, "finding", "findings")
            ),
            FORENSICS,
        ),
        _ if last.guards == "open" => problem(
            Status::Fail,
            format!("the last verification, {days:.1} days ago, found guards open"),
            FORENSICS,
        ),
        "ok" if days <= OLDEST_DAYS => Finding::pass(PART, observed),
        "ok" => problem(
            Status::Warn,
            format!("the last verification was {days:.1} days ago"),
            "`af-tools audit verify --record` verifies; docs/operations.md has a timer for it.",
        ),
        other => problem(
            Status::Warn,
            format!("the last verification, {days:.1} days ago, came out as {other}"),
            "`af-tools audit verify` says why.",
        ),
    }))
}
