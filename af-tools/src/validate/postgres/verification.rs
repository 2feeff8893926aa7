//! When the ledger was last verified, as `af-tools audit verify --record` keeps it.

use af_queries::queries::audit_verifications;
use postgres::Client;
use serde_json::json;

use crate::server::ServerError;
use crate::validate::health::{Finding, Status};

const PART: &str = "lastVerification";
/// Who verifies daily has had a week to notice that it does not run any more.
const OLDEST_DAYS: f64 = 8.0;

/// What the last recorded verification of everything came to, and how old it is; where that cannot be told, why not.
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
    let Some(last) = audit_verifications::last().bind(client).opt()? else {
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
    let observed = json!({
        "status": last.status, "guards": last.guards, "findings": last.findings, "entries": last.entries,
        "ageDays": (days * 10.0).round() / 10.0, "checkpoint": last.checkpoint, "by": last.verified_by,
    });
    let problem = |status, output: String, guidance: &str| {
        Finding::problem(status, PART, observed.clone(), output, guidance)
    };
    Ok(Ok(match last.status.as_str() {
        "tampered" => problem(
            Status::Fail,
            format!("the last verification, {days:.1} days ago, came to {} findings", last.findings),
            "docs/forensics.md says what to do, in which order.",
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
