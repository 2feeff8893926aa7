//! The result for people: each chain, what was found, the guards, and what "ok" does not say.

use std::io::{self, Write};

use super::VerifyReport;
use crate::audit::verify::{After, Chain, Finding, Method, Status, Verification};
use crate::checkpoint::WitnessedFile;
use crate::output::{Report, Table, Verbosity, counted, rate};

/// More chains than this are summed up, but for those that are not intact.
const MAX_INTACT_CHAINS: usize = 40;
/// How many findings people are shown unless they want all.
const MAX_FINDINGS: usize = 20;
const HASH_PREFIX: usize = 16;

impl VerifyReport {
    /// What "ok" does not say.
    fn write_limits(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.without_checkpoint {
            None => writeln!(out, "; the tail is not provable without a checkpoint"),
            Some(0) => writeln!(
                out,
                ", and no entry was cut off or rewritten up to the seq that a checkpoint proves"
            ),
            Some(without) => writeln!(
                out,
                "; the tail is not provable in {}, which no checkpoint is of",
                counted(without, "chain", "chains")
            ),
        }
    }
}

impl Report for VerifyReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Verification { status, method, relation, entries, seconds, chains, .. } = &self.verification;
        write_chains(chains, verbosity, out)?;
        write_findings(&self.verification, verbosity, out)?;
        let by = match method {
            Method::Outside => "outside the database",
            Method::InDatabase => "in the database",
        };
        writeln!(
            out,
            "{} in {} of {relation}, checked {by} in {seconds:.2} s{}",
            counted(*entries, "entry", "entries"),
            counted(chains.len() as u64, "chain", "chains"),
            rate(self.verification.entries_per_second, "entries")
        )?;
        let shortened = chains.iter().filter(|chain| chain.after.is_some()).count() as u64;
        if shortened > 0 {
            let of_chains = counted(shortened, "chain", "chains");
            writeln!(
                out,
                "only what came since the recorded entry was read in {of_chains}: older entries were not"
            )?;
        }
        self.witnessed.iter().try_for_each(|file| write_witnessed(file, out))?;
        self.guards.write(out)?;
        match status {
            Status::Ok => {
                let what = if shortened > 0 { "what was read" } else { "every chain" };
                write!(out, "ok: {what} is intact to its head seq")?;
                self.write_limits(out)
            }
            Status::Empty => writeln!(out, "empty: there were no entries to check"),
            Status::Partial => {
                writeln!(out, "partial: nothing was found, but not everything could be checked")
            }
            Status::Tampered => {
                let count = chains.iter().filter(|chain| chain.status == Status::Tampered).count();
                writeln!(out, "tampered: {count} of {}", counted(chains.len() as u64, "chain", "chains"))
            }
        }
    }
}

/// Who has cosigned a checkpoint, of those who were named.
fn write_witnessed(WitnessedFile { path, witnessed }: &WitnessedFile, out: &mut dyn Write) -> io::Result<()> {
    let by = witnessed.cosignatures.iter().map(|one| format!("{} at {}", one.name, one.time));
    let by = by.collect::<Vec<_>>().join(", ");
    let by = if by.is_empty() { "nobody" } else { &by };
    writeln!(
        out,
        "checkpoint {} is cosigned by {by} ({} of {} required)",
        path.display(),
        witnessed.required,
        counted(witnessed.witnesses as u64, "witness", "witnesses")
    )
}

fn write_chains(chains: &[Chain], verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    let is_summed_up = chains.len() > MAX_INTACT_CHAINS && verbosity < Verbosity::Verbose;
    let shown: Vec<&Chain> =
        chains.iter().filter(|chain| !is_summed_up || chain.status != Status::Ok).collect();
    if !shown.is_empty() {
        let mut table =
            Table::new(&["tenant", "name", "status", ">entries", ">head seq", "head hash", "remark"]);
        let is_compared = chains.iter().any(|chain| !chain.checkpoints.is_empty());
        for chain in &shown {
            let hash = chain.head_hash.as_deref().unwrap_or("-");
            let remark = match &chain.first_finding {
                Some(first) => format!("{} at seq {}", first.finding, position(first.seq)),
                None => remark(chain, is_compared),
            };
            table.row([
                chain.tenant_id.map_or_else(|| "(null)".to_owned(), |id| id.to_string()),
                chain.tenant.clone().unwrap_or_else(|| "-".to_owned()),
                chain.status.as_str().to_owned(),
                chain.entries.to_string(),
                position(chain.head_seq),
                hash.get(..HASH_PREFIX).map_or_else(|| hash.to_owned(), |prefix| format!("{prefix}…")),
                remark,
            ]);
        }
        table.write(out)?;
    }
    if shown.len() < chains.len() {
        writeln!(out, "{} intact chains are not listed (--verbose lists them)", chains.len() - shown.len())?;
    }
    if !chains.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn write_findings(verification: &Verification, verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    if verification.findings.is_empty() {
        return Ok(());
    }
    let limit = if verbosity < Verbosity::Verbose { MAX_FINDINGS } else { usize::MAX };
    let shown = &verification.findings[..verification.findings.len().min(limit)];
    for finding in shown {
        write_finding(finding, out)?;
    }
    let rest = verification.findings_total.saturating_sub(shown.len() as u64);
    if rest > 0 {
        writeln!(out, "… and {rest} more findings")?;
    }
    writeln!(out)
}

pub(in crate::commands) fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let tenant = finding.tenant_id.map_or_else(|| "(null)".to_owned(), |id| id.to_string());
    write!(out, "{}: tenant {tenant}, seq {}", finding.finding, position(finding.seq))?;
    if let Some(id) = finding.id {
        write!(out, ", id {id}")?;
    }
    writeln!(out, "\n    {}", finding.detail)
}

/// What there is to say of a chain in which nothing was found.
fn remark(chain: &Chain, is_compared: bool) -> String {
    let proven = match chain.proven_seq {
        Some(seq) => Some(format!("proven to seq {seq}")),
        None if is_compared && chain.checkpoints.is_empty() => Some("no checkpoint".to_owned()),
        None => None,
    };
    let remarks = [chain.note.clone().or_else(|| chain.after.as_ref().map(not_read)), proven];
    remarks.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn not_read(after: &After) -> String {
    format!("entries before seq {} were not read", after.seq)
}

pub(super) fn position(seq: Option<i64>) -> String {
    seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string())
}
