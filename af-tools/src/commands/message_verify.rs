//! `af-tools message verify`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Context, Failure};
use crate::audit::verify::Status;
use crate::cli::message::VerifyArgs;
use crate::exit::Exit;
use crate::message::Finding;
use crate::message::verify::{self, Verification};
use crate::output::{ErrorReport, Report, Verbosity, counted, rate};

/// How many findings people are shown unless they want all.
const MAX_FINDINGS: usize = 20;

/// The verdict on the messages.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct MessageReport(Verification);

impl Report for MessageReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Verification { status, relation, messages, seconds, findings, findings_total, .. } = &self.0;
        write_findings(findings, *findings_total, verbosity, out)?;
        writeln!(
            out,
            "{} of {relation} in {seconds:.2} s{}",
            counted(*messages, "message", "messages"),
            rate(self.0.messages_per_second, "messages")
        )?;
        match status {
            Status::Ok => writeln!(out, "ok: every message is what its producer vouched for"),
            Status::Empty => writeln!(out, "empty: there were no messages to check"),
            Status::Partial => {
                writeln!(out, "partial: nothing was found, but row-level security may hide messages")
            }
            Status::Tampered => {
                writeln!(out, "tampered: {findings_total} of {}", counted(*messages, "message", "messages"))
            }
        }
    }
}

/// The findings as people are shown them.
pub(super) fn write_findings(
    findings: &[Finding],
    total: u64,
    verbosity: Verbosity,
    out: &mut dyn Write,
) -> io::Result<()> {
    let limit = if verbosity < Verbosity::Verbose { MAX_FINDINGS } else { usize::MAX };
    let shown = &findings[..findings.len().min(limit)];
    for finding in shown {
        writeln!(out, "{}\n    {}", named(finding), finding.detail)?;
    }
    let rest = total.saturating_sub(shown.len() as u64);
    if rest > 0 {
        writeln!(out, "… and {rest} more findings")?;
    }
    if total > 0 { writeln!(out) } else { Ok(()) }
}

/// Which message, and what is wrong with it, on one line.
fn named(finding: &Finding) -> String {
    let uuid = |uuid: Option<uuid::Uuid>| uuid.map_or_else(|| "(null)".to_owned(), |uuid| uuid.to_string());
    let trace = finding.trace_id.as_ref().map_or_else(String::new, |trace| format!(", trace {trace}"));
    format!("{}: tenant {}, message {}{trace}", finding.finding, uuid(finding.tenant_id), uuid(finding.id))
}

pub(super) fn run(args: &VerifyArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut connection = context.connect()?;
    let mut progress = context.printer.progress("messages").stopped_by(&context.interrupt);
    let verified = verify::verify(&mut connection, &args.selection(), args.max_findings, &mut progress);
    drop(progress);
    let verification = verified?;
    let Verification { status, findings, findings_total, .. } = &verification;
    let (exit, error) = judge("verify", *status, args.allow_empty, findings.first(), *findings_total);
    context.report(exit, &MessageReport(verification), error.as_ref())
}

/// What a verdict on messages means for the one who asked for it.
pub(super) fn judge(
    doing: &str,
    status: Status,
    allow_empty: bool,
    first: Option<&Finding>,
    findings: u64,
) -> (Exit, Option<ErrorReport>) {
    let (exit, message, hint) = match status {
        Status::Ok => return (Exit::DONE, None),
        Status::Empty if allow_empty => return (Exit::DONE, None),
        Status::Empty => (
            Exit::NOT_PROVABLE,
            "there are no messages where some were expected".to_owned(),
            "If that is as it should be, --allow-empty says so.",
        ),
        Status::Partial => (
            Exit::NOT_PROVABLE,
            "row-level security may hide messages from this role".to_owned(),
            "Do it as a role that sees every tenant, such as af_auditor.",
        ),
        Status::Tampered => {
            let first = first.map_or_else(String::new, |first| format!("; the first is {}", named(first)));
            (
                Exit::FINDING,
                format!("{}{first}", counted(findings, "finding", "findings")),
                "What the producer said is in its own records, if anywhere; docs/envelopes.md says how the hash is computed.",
            )
        }
    };
    let report = ErrorReport { message: format!("{doing}: {message}"), hint: Some(hint.to_owned()) };
    (exit, Some(report))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn exit_codes_and_messages() {
        let finding = Finding {
            tenant_id: Some(Uuid::from_u128(1)),
            id: Some(Uuid::from_u128(2)),
            trace_id: Some("t".to_owned()),
            finding: "altered".to_owned(),
            detail: "x".to_owned(),
        };
        for (status, allow_empty, exit) in [
            (Status::Ok, false, Exit::DONE),
            (Status::Empty, false, Exit::NOT_PROVABLE),
            (Status::Empty, true, Exit::DONE),
            (Status::Partial, true, Exit::NOT_PROVABLE),
            (Status::Tampered, true, Exit::FINDING),
        ] {
            let (code, error) = judge("verify", status, allow_empty, Some(&finding), 1);
            assert_eq!((code, error.is_some()), (exit, exit != Exit::DONE), "{status:?}");
        }
        let (_, error) = judge("replay", Status::Tampered, false, Some(&finding), 1);
        assert_eq!(
            error.unwrap().message,
            "replay: 1 finding; the first is altered: tenant 00000000-0000-0000-0000-000000000001, \
             message 00000000-0000-0000-0000-000000000002, trace t"
        );
    }
}
