//! `af-tools audit verify`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use af_core::checkpoint::Subject;
use af_core::merkle::Wanted;
use serde::Serialize;
use uuid::Uuid;

use super::audit_check_proof::load_policy;
use super::{Context, Failure};
use crate::audit::anchor;
use crate::audit::metrics::{self, Verdict};
use crate::audit::record::Circumstances;
use crate::audit::verify::{self, After, Chain, Finding, Method, Options, Status, Trees, Verification};
use crate::checkpoint::{self, Held};
use crate::cli::audit::{ScopeArgs, VerifyArgs};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::guards::{self, Inspection, Severity, Weakness};
use crate::output::{ErrorReport, Report, Table, Verbosity, counted, rate};
use crate::server::ServerError;
use crate::sign::VerifyingKey;

/// More chains than this are summed up, but for those that are not intact.
const MAX_INTACT_CHAINS: usize = 40;
/// How many findings people are shown unless they want all.
const MAX_FINDINGS: usize = 20;
const HASH_PREFIX: usize = 16;

/// The verdict on each chain, and on all of them.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
    /// The verification.
    #[serde(flatten)]
    pub verification: Verification,
    /// Whether every chain begins with what a checkpoint says: that nothing was cut off or rewritten since it was signed.
    pub is_tail_proven: bool,
    /// How many chains none of the checkpoints is of; null where none was given.
    pub without_checkpoint: Option<u64>,
    /// Whether what guards the ledger is in place.
    pub guards: Guards,
}

/// What a look at the guards came to.
#[derive(Debug, Serialize)]
#[serde(tag = "looked", rename_all = "snake_case")]
pub enum Guards {
    /// They were compared with those that the migrations make.
    Compared(Inspection),
    /// There is nothing that they could be compared with.
    NotCompared {
        /// Why.
        reason: String,
    },
    /// Not asked for.
    Skipped,
}

impl Guards {
    /// Looks, unless that is not wanted.
    pub(super) fn look(connection: &mut Connection, scope: &ScopeArgs) -> Result<Self, Failure> {
        if scope.no_guards {
            return Ok(Self::Skipped);
        }
        let refused = |source| Failure::new(Exit::COULD_NOT_RUN, &GuardsError { source }, None);
        if let Some(applied) = guards::behind(&mut connection.client).map_err(refused)? {
            let reason =
                format!("migrations after {applied:04} are not applied, and bring what would be compared");
            return Ok(Self::NotCompared { reason });
        }
        let inspection = guards::inspect(&mut connection.client).map_err(refused)?;
        Ok(if inspection.is_of_platform() {
            Self::Compared(inspection)
        } else {
            Self::NotCompared { reason: "the schema is not one that af-tools' migrations made".to_owned() }
        })
    }

    /// In one word, as the table audit_verifications has it.
    fn word(&self) -> &'static str {
        match self {
            Self::Compared(inspection) if inspection.weaknesses.is_empty() => "in_place",
            Self::Compared(inspection) if inspection.open().next().is_none() => "differ",
            Self::Compared(_) => "open",
            Self::NotCompared { .. } => "not_compared",
            Self::Skipped => "not_looked_at",
        }
    }

    fn open(&self) -> Vec<&Weakness> {
        match self {
            Self::Compared(inspection) => inspection.open().collect(),
            Self::NotCompared { .. } | Self::Skipped => Vec::new(),
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Skipped => writeln!(out, "guards: not looked at (--no-guards)"),
            Self::NotCompared { reason } => writeln!(out, "guards: not compared: {reason}"),
            Self::Compared(inspection) if inspection.weaknesses.is_empty() => {
                writeln!(
                    out,
                    "guards: all in place (triggers, functions, constraints, row-level security, grants, owners)"
                )
            }
            Self::Compared(inspection) => {
                for weakness in &inspection.weaknesses {
                    let severity = match weakness.severity {
                        Severity::Open => "open",
                        Severity::Differs => "differs",
                    };
                    writeln!(out, "guard {severity}: {}\n    {}", weakness.problem, weakness.remedy)?;
                }
                Ok(())
            }
        }
    }
}

/// The guards could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("look at the guards")]
struct GuardsError {
    source: ServerError,
}

impl VerifyReport {
    /// `is_compared` says whether there were checkpoints to compare with.
    pub fn new(verification: Verification, is_compared: bool, guards: Guards) -> Self {
        let chains = || verification.chains.iter().filter(|chain| chain.status != Status::Empty);
        let proven = chains().filter(|chain| chain.proven_seq.is_some()).count();
        let without = chains().filter(|chain| chain.checkpoints.is_empty()).count();
        let is_tail_proven = is_compared && proven > 0 && proven == chains().count();
        Self {
            is_tail_proven,
            without_checkpoint: is_compared.then_some(without as u64),
            verification,
            guards,
        }
    }

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

pub(super) fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
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

fn position(seq: Option<i64>) -> String {
    seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string())
}

pub(super) fn run(args: &VerifyArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let verified = verify(args, context);
    let written = args.metrics_file.as_ref().map_or(Ok(()), |path| {
        let verdict = match &verified {
            Ok((_, Exit::DONE, _)) => Verdict::Fine,
            Ok((_, Exit::FINDING, _)) => Verdict::Found,
            Ok(_) | Err(_) => Verdict::Unknown,
        };
        let verification = verified.as_ref().ok().map(|(report, ..)| &report.verification);
        metrics::metrics(verdict, verification, SystemTime::now()).write(path).map_err(Failure::from)
    });
    let (report, mut exit, mut error) = verified?;
    if let Err(failure) = written {
        // What was found is told all the same, and matters more.
        if exit == Exit::FINDING {
            context.printer.warning(format_args!("{}", failure.report.message));
        } else {
            (exit, error) = (failure.exit, Some(failure.report));
        }
    }
    context.report(exit, &report, error.as_ref())
}

fn verify(
    args: &VerifyArgs,
    context: &mut Context<'_>,
) -> Result<(VerifyReport, Exit, Option<ErrorReport>), Failure> {
    let Prepared { mut connection, jobs, options, keys: _, is_compared } = prepare(&args.scope, context)?;
    let mut progress = context.printer.progress("entries").stopped_by(&context.interrupt);
    let verified = verify::verify(&mut connection.client, jobs, &options, &mut progress);
    drop(progress);
    let verification = verified?;
    warn_of_few_jobs(&verification, &args.scope, context);
    let guards = Guards::look(&mut connection, &args.scope)?;
    let report = VerifyReport::new(verification, is_compared, guards);
    let (mut exit, mut error) = judge(&report, &args.scope);
    if args.record
        && let Err(refused) = record(&mut connection, &report, &args.scope)
    {
        // What was found is told all the same, and matters more.
        let failure = Failure::from(refused);
        if exit == Exit::FINDING {
            context.printer.warning(format_args!("{}", failure.report.message));
        } else {
            (exit, error) = (failure.exit, Some(failure.report));
        }
    }
    Ok((report, exit, error))
}

fn record(
    connection: &mut Connection,
    report: &VerifyReport,
    scope: &ScopeArgs,
) -> Result<Uuid, crate::audit::record::Error> {
    let listed = |paths: Vec<String>| (!paths.is_empty()).then(|| paths.join(", "));
    let checkpoint = listed(scope.checkpoints.iter().map(|path| path.display().to_string()).collect());
    let since = listed(scope.since.clone());
    let circumstances = Circumstances {
        tenants: &scope.tenants,
        guards: report.guards.word(),
        checkpoint: checkpoint.as_deref(),
        since: since.as_deref(),
    };
    crate::audit::record::verification(&mut connection.client, &report.verification, circumstances)
}

/// What a verification needs.
pub(super) struct Prepared {
    pub(super) connection: Connection,
    pub(super) jobs: Vec<Connection>,
    pub(super) options: Options,
    pub(super) keys: Vec<VerifyingKey>,
    /// Whether there are checkpoints to compare with.
    pub(super) is_compared: bool,
}

/// Reads what was recorded and signed before, and connects.
pub(super) fn prepare(scope: &ScopeArgs, context: &mut Context<'_>) -> Result<Prepared, Failure> {
    let mut tenants = scope.tenants.clone();
    tenants.sort_unstable();
    tenants.dedup();
    let method = if scope.in_database { Method::InDatabase } else { Method::Outside };
    let keys =
        scope.public_keys.iter().map(|path| VerifyingKey::load(path)).collect::<Result<Vec<_>, _>>()?;
    let since = anchor::read(&scope.since, &tenants, &keys)?;
    let paths: Vec<PathBuf> = since.checkpoints.iter().chain(&scope.checkpoints).cloned().collect();
    let policy = load_policy(&scope.witnesses)?;
    let checkpoints = checkpoint::read(&paths, &keys, &policy)?;
    let trees = Trees { wanted: sizes(&checkpoints), kept: since.kept };
    let max_findings = scope.max_findings;
    let since = since.anchors;
    let options = Options { tenants, method, max_findings, since, trees, checkpoints, ..Options::new() };
    let connection = context.connect()?;
    // The one that is there keeps the snapshot; if there is no other, it also does the work.
    let jobs = if scope.jobs > 1 { scope.jobs } else { 0 };
    let jobs = (0..jobs).map(|_| connection.another()).collect::<Result<_, _>>()?;
    Ok(Prepared { connection, jobs, options, keys, is_compared: !paths.is_empty() })
}

pub(super) fn warn_of_few_jobs(verification: &Verification, scope: &ScopeArgs, context: &mut Context<'_>) {
    if verification.jobs < usize::from(scope.jobs) {
        context.printer.warning(format_args!(
            "one session did all the work: {} has no index on (tenant_id, seq) by which it could be divided",
            verification.relation
        ));
    }
}

/// The sizes at which roots are wanted, for comparison.
fn sizes(checkpoints: &[Held]) -> Wanted {
    let mut wanted = Wanted::default();
    for held in checkpoints {
        if let Subject::Tenant(tenant_id) = held.origin.subject {
            wanted.sizes.entry(tenant_id).or_default().push(held.size);
        }
    }
    wanted.sizes.values_mut().for_each(|sizes| sizes.sort_unstable());
    wanted
}

/// How it ends: by what was found, and by what was asked for and is not there.
pub(super) fn judge(report: &VerifyReport, scope: &ScopeArgs) -> (Exit, Option<ErrorReport>) {
    let error = |message: String, hint: &str| Some(ErrorReport { message, hint: Some(hint.to_owned()) });
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
                chain.checkpoints.iter().any(|compared| compared.outcome == verify::Outcome::NotCompared)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::cli::proof::WitnessArgs;

    use super::*;

    fn finding() -> Finding {
        Finding {
            tenant_id: Some(Uuid::from_u128(1)),
            seq: Some(7),
            id: Some(Uuid::from_u128(2)),
            finding: "altered".to_owned(),
            detail: "the content hashes to x".to_owned(),
        }
    }

    fn verification(status: Status) -> Verification {
        let first_finding = (status == Status::Tampered).then(finding);
        let chain = Chain {
            tenant_id: Some(Uuid::from_u128(1)),
            tenant: Some("acme".to_owned()),
            after: None,
            status,
            entries: 9,
            head_seq: Some(9),
            head_hash: Some("ab".repeat(32)),
            findings: u64::from(first_finding.is_some()),
            first_finding: first_finding.clone(),
            note: None,
            checkpoints: Vec::new(),
            proven_seq: None,
        };
        Verification {
            status,
            method: Method::Outside,
            jobs: 1,
            relation: "public.audits".to_owned(),
            may_hide_rows: false,
            entries: 9,
            seconds: 0.5,
            entries_per_second: Some(18.0),
            findings_total: chain.findings,
            chains: vec![chain],
            findings: first_finding.into_iter().collect(),
            identity: None,
            trees: BTreeMap::new(),
        }
    }

    fn scope(allow_empty: bool, allow_new: bool) -> ScopeArgs {
        ScopeArgs {
            tenants: Vec::new(),
            in_database: false,
            since: Vec::new(),
            full: false,
            checkpoints: Vec::new(),
            public_keys: Vec::new(),
            witnesses: WitnessArgs { witnesses: Vec::new(), required: None },
            allow_new,
            jobs: 1,
            allow_empty,
            no_guards: false,
            max_findings: 1,
        }
    }

    #[test]
    fn exit_codes() {
        for (status, allow_empty, exit) in [
            (Status::Ok, false, Exit::DONE),
            (Status::Empty, false, Exit::NOT_PROVABLE),
            (Status::Empty, true, Exit::DONE),
            (Status::Partial, true, Exit::NOT_PROVABLE),
            (Status::Tampered, true, Exit::FINDING),
        ] {
            let report = VerifyReport::new(verification(status), false, Guards::Skipped);
            assert_eq!(judge(&report, &scope(allow_empty, false)).0, exit, "{status:?}");
        }
    }

    #[test]
    fn a_chain_without_checkpoint_is_not_passed_over() {
        let mut proven = verification(Status::Ok);
        proven.chains[0].proven_seq = Some(7);
        proven.chains[0].checkpoints.push(verify::Comparison {
            size: 7,
            source: "a".to_owned(),
            outcome: verify::Outcome::Holds,
            reason: None,
        });
        let report = VerifyReport::new(proven.clone(), true, Guards::Skipped);
        assert_eq!((report.is_tail_proven, judge(&report, &scope(false, false)).0), (true, Exit::DONE));
        proven.chains.push(verification(Status::Ok).chains.remove(0));
        let report = VerifyReport::new(proven, true, Guards::Skipped);
        assert_eq!((report.is_tail_proven, report.without_checkpoint), (false, Some(1)));
        assert_eq!(judge(&report, &scope(false, false)).0, Exit::NOT_PROVABLE);
        assert_eq!(judge(&report, &scope(false, true)).0, Exit::DONE);
    }

    #[test]
    fn text_names_the_entry_and_the_limits_of_the_proof() {
        let text = |status| {
            let mut out = Vec::new();
            VerifyReport::new(verification(status), false, Guards::Skipped)
                .write_text(&mut out, Verbosity::Normal)
                .unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(text(Status::Ok).contains("the tail is not provable without a checkpoint"));
        let tampered = text(Status::Tampered);
        assert!(tampered.contains("altered at seq 7"), "{tampered}");
        assert!(tampered.contains("id 00000000-0000-0000-0000-000000000002"), "{tampered}");
        assert!(tampered.ends_with("tampered: 1 of 1 chain\n"), "{tampered}");
    }

    #[test]
    fn what_was_not_read_is_said() {
        let mut since = verification(Status::Ok);
        since.chains[0].after = Some(After { seq: 5, hash: "cd".repeat(32) });
        let report = VerifyReport::new(since, false, Guards::Skipped);
        let mut out = Vec::new();
        report.write_text(&mut out, Verbosity::Normal).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("entries before seq 5 were not read"), "{text}");
        assert!(text.contains("in 1 chain: older entries were not\n"), "{text}");
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["chains"][0]["after"]["seq"], 5);
        assert_eq!(json["chains"][0]["after"]["hash"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn the_json_names_what_scripts_need() {
        let json =
            serde_json::to_value(VerifyReport::new(verification(Status::Tampered), false, Guards::Skipped))
                .unwrap();
        assert_eq!(json["status"], "tampered");
        assert_eq!(json["method"], "outside");
        assert_eq!((&json["entries"], &json["findings_total"]), (&9.into(), &1.into()));
        assert_eq!(json["is_tail_proven"], false);
        let chain = &json["chains"][0];
        assert_eq!((&chain["tenant"], &chain["head_seq"]), (&"acme".into(), &9.into()));
        assert_eq!(chain["head_hash"].as_str().map(str::len), Some(64));
        assert_eq!(json["findings"][0], chain["first_finding"]);
        assert_eq!(
            (&json["findings"][0]["seq"], &json["findings"][0]["finding"]),
            (&7.into(), &"altered".into())
        );
    }
}
