//! How `audit verify` ends: by what was found, and by what was asked for and is not there.

use super::VerifyReport;
use super::text::position;
use crate::audit::verify::{Chain, Outcome, Status};
use crate::cli::audit::ScopeArgs;
use crate::exit::Exit;
use crate::output::{ErrorReport, counted};

/// How it ends: by what was found, and by what was asked for and is not there.
pub(in crate::commands) fn judge(report: &VerifyReport, scope: &ScopeArgs) -> (Exit, Option<ErrorReport>) {
    match (judge_found(report, scope), report.guards.gap()) {
        ((Exit::DONE, _), Some(gap)) => {
            let hint =
                "`af-tools migrate status` tells how the schema stands; --no-guards leaves the guards out.";
            (Exit::NOT_PROVABLE, error(format!("verify: the guards were not compared: {gap}"), hint))
        }
        (judged, _) => judged,
    }
}

fn error(message: String, hint: &str) -> Option<ErrorReport> {
    Some(ErrorReport { message, hint: Some(hint.to_owned()) })
}

/// By the chains, and by guards that are open.
fn judge_found(report: &VerifyReport, scope: &ScopeArgs) -> (Exit, Option<ErrorReport>) {
    let verification = &report.verification;
    if let (true, [first, ..]) = (verification.status != Status::Tampered, &report.guards.open()[..]) {
        let open = counted(report.guards.open().len() as u64, "guard is open", "guards are open");
        let hint = "Find out who did it, and what was done meanwhile, before you set it right.";
        return (Exit::FINDING, error(format!("verify: {open}; the first: {}", first.problem), hint));
    }
    match verification.status {
        Status::Ok => match report.without_checkpoint.unwrap_or(0) {
            without if without > 0 && !scope.allow_new => (
                Exit::NOT_PROVABLE,
                error(
                    format!("verify: none of the checkpoints is of {}", counted(without, "chain", "chains")),
                    "`af-tools audit checkpoint` makes the next ones; --allow-new says that chains may be younger than those given.",
                ),
            ),
            _ => (Exit::DONE, None),
        },
        Status::Empty if scope.allow_empty => (Exit::DONE, None),
        Status::Empty => (
            Exit::NOT_PROVABLE,
            error(
                "verify: nothing was checked, for there are no entries where some were expected".to_owned(),
                "If that is as it should be, --allow-empty says so.",
            ),
        ),
        Status::Partial => {
            let is_uncompared = |chain: &Chain| {
                chain.checkpoints.iter().any(|compared| compared.outcome == Outcome::NotCompared)
            };
            let hint = if verification.chains.iter().any(is_uncompared) && !verification.may_hide_rows {
                "docs/checkpoints.md says what keeps a checkpoint from being compared."
            } else if verification.may_hide_rows {
                "Row-level security applies to this role: verify as one that sees every tenant, such as af_auditor."
            } else {
                "A newer af-tools knows the newer hash_version."
            };
            let note = verification.chains.iter().find_map(|chain| chain.note.as_deref());
            let why = note.map(|note| format!(": {note}")).unwrap_or_default();
            (Exit::NOT_PROVABLE, error(format!("verify: not everything could be checked{why}"), hint))
        }
        Status::Tampered => {
            let findings = counted(verification.findings_total, "finding", "findings");
            let first = verification.chains.iter().find_map(|chain| chain.first_finding.as_ref());
            let message = match first.or(verification.findings.first()) {
                Some(first) if first.seq.is_none() && first.tenant_id.is_none() => {
                    format!("verify: {findings}; the first: {}, {}", first.finding, first.detail)
                }
                Some(first) => format!(
                    "verify: {findings}; the first is entry {} of tenant {}: {}",
                    position(first.seq),
                    first.tenant_id.map_or_else(|| "(null)".to_owned(), |id| id.to_string()),
                    first.finding
                ),
                None => format!("verify: {findings}"),
            };
            (
                Exit::FINDING,
                error(
                    message,
                    "Change nothing yet. docs/forensics.md says how to keep the evidence, and what to look at next.",
                ),
            )
        }
    }
}
