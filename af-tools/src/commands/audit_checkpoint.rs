//! `af-tools audit checkpoint`.

use std::io::{self, Write};

use serde::Serialize;

use super::passphrase::load_key;
use super::{Context, Failure};
use crate::audit::checkpoint::{self, ChainCheckpoint, Checkpoints, Made, Request};
use crate::audit::record;
use crate::audit::verify::Status;
use crate::checkpoint::Store;
use crate::cli::audit::CheckpointArgs;
use crate::exit::Exit;
use crate::output::{ErrorReport, Report, Table, Verbosity, counted};

/// More chains than this are summed up, but for those that were refused.
const MAX_CHAINS: usize = 40;
const MAX_FINDINGS: usize = 1_000;
const HASH_PREFIX: usize = 16;

/// What was signed.
#[derive(Debug, Serialize)]
pub struct CheckpointReport {
    /// Each chain and all of them, and the verification before.
    #[serde(flatten)]
    pub checkpoints: Checkpoints,
    /// How many copies were added to the table audit_checkpoints; null where none were wanted, or the server refused.
    pub recorded: Option<u64>,
}

impl CheckpointReport {
    fn count(&self, made: Made) -> u64 {
        self.checkpoints.chains.iter().filter(|chain| chain.made == made).count() as u64
    }
}

impl Report for CheckpointReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Checkpoints { chains, ledger, verification, .. } = &self.checkpoints;
        write_chains(chains, verbosity, out)?;
        for finding in &verification.findings {
            super::audit_verify::write_finding(finding, out)?;
        }
        writeln!(
            out,
            "{} read in {:.2} s",
            counted(verification.entries, "entry", "entries"),
            verification.seconds
        )?;
        let signed = counted(self.count(Made::Signed), "chain", "chains");
        let unchanged = self.count(Made::Unchanged);
        writeln!(out, "signed: {signed}; {unchanged} unchanged since the last checkpoint")?;
        if let Some(ledger) = ledger {
            let new = if ledger.is_new { "signed" } else { "unchanged" };
            writeln!(out, "all chains: {} ({new}), root {}", ledger.path, ledger.root)?;
        }
        if let Some(recorded) = self.recorded {
            writeln!(out, "recorded: {} in audit_checkpoints", counted(recorded, "copy", "copies"))?;
        }
        let refused = self.count(Made::Refused);
        if refused > 0 {
            writeln!(out, "refused: {}, not signed", counted(refused, "chain", "chains"))?;
        }
        Ok(())
    }
}

fn write_chains(chains: &[ChainCheckpoint], verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    let is_summed_up = chains.len() > MAX_CHAINS && verbosity < Verbosity::Verbose;
    let shown: Vec<&ChainCheckpoint> =
        chains.iter().filter(|chain| !is_summed_up || chain.made == Made::Refused).collect();
    if !shown.is_empty() {
        let mut table = Table::new(&["tenant", "name", "result", ">size", ">before", "root"]);
        for chain in shown {
            let made = match chain.made {
                Made::Signed => "signed",
                Made::Unchanged => "unchanged",
                Made::Refused => "refused",
                Made::Empty => "empty",
            };
            let number = |size: Option<u64>| size.map_or_else(|| "-".to_owned(), |size| size.to_string());
            let root = chain.root.as_deref().unwrap_or("-");
            table.row([
                chain.tenant_id.to_string(),
                chain.tenant.clone().unwrap_or_else(|| "-".to_owned()),
                made.to_owned(),
                number(chain.size),
                number(chain.previous_size),
                root.get(..HASH_PREFIX).map_or_else(|| root.to_owned(), |prefix| format!("{prefix}…")),
            ]);
        }
        table.write(out)?;
        writeln!(out)?;
    }
    Ok(())
}

pub(super) fn run(args: &CheckpointArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut tenants = args.tenants.clone();
    tenants.sort_unstable();
    tenants.dedup();
    let key = load_key(&args.key, &args.passphrase)?;
    let store = match tenants[..] {
        [_] if !args.out.is_dir() => Store::of_one_chain(&args.out)?,
        _ => Store::open(&args.out)?,
    };
    let mut connection = context.connect()?;
    // The one that is there keeps the snapshot; if there is no other, it also does the work.
    let jobs = if args.jobs > 1 { args.jobs } else { 0 };
    let jobs = (0..jobs).map(|_| connection.another()).collect::<Result<_, _>>()?;
    let request = Request {
        tenants,
        key: &key,
        incarnation: args.incarnation,
        is_full: args.full,
        max_findings: MAX_FINDINGS,
    };
    let mut progress = context.printer.progress("entries").stopped_by(&context.interrupt);
    let made = checkpoint::make(&mut connection.client, jobs, &store, &request, &mut progress);
    drop(progress);
    let checkpoints = made?;
    for why in &checkpoints.restarted {
        context.printer.warning(format_args!("read a chain from its beginning: {why}"));
    }
    let recorded = args.record.then(|| record::checkpoints(&mut connection.client, &checkpoints));
    let recorded = recorded.transpose();
    let (recorded, refused) = match recorded {
        Ok(recorded) => (recorded, None),
        Err(error) => (None, Some(Failure::from(error))),
    };
    let report = CheckpointReport { checkpoints, recorded };
    let (exit, error) = match (judge(&report), refused) {
        // The checkpoints are signed; that their copies are not kept is still an error.
        ((Exit::DONE, _), Some(refused)) => (refused.exit, Some(refused.report)),
        (judged, _) => judged,
    };
    context.report(exit, &report, error.as_ref())
}

fn judge(report: &CheckpointReport) -> (Exit, Option<ErrorReport>) {
    let Checkpoints { chains, verification, .. } = &report.checkpoints;
    let error = |message: String, hint: &str| Some(ErrorReport { message, hint: Some(hint.to_owned()) });
    if verification.status == Status::Tampered {
        let refused = counted(report.count(Made::Refused), "chain", "chains");
        let findings = counted(verification.findings_total, "finding", "findings");
        let message = format!("checkpoint: {refused} not signed: {findings}");
        return (
            Exit::FINDING,
            error(message, "docs/forensics.md says what to do, and what not to do, next."),
        );
    }
    if report.count(Made::Refused) > 0 {
        let refused = counted(report.count(Made::Refused), "chain", "chains");
        let hint = "Sign as a role that sees every tenant, such as a member of af_auditor; a newer af-tools may know more.";
        return (
            Exit::NOT_PROVABLE,
            error(format!("checkpoint: {refused} could not be checked, and not signed"), hint),
        );
    }
    let is_empty = !chains.iter().any(|chain| matches!(chain.made, Made::Signed | Made::Unchanged));
    if is_empty {
        let message = "checkpoint: nothing was signed, for there are no entries".to_owned();
        return (Exit::NOT_PROVABLE, error(message, "Is it the database that is meant?"));
    }
    (Exit::DONE, None)
}
