//! `af-tools audit check-proof`.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::audit_prove::load_keys;
use super::{Context, Failure, audit_import};
use crate::checkpoint::{Checked, Flaw, Kind, Policy, ProvenEntry, Trust, VouchedFor, check};
use crate::cli::proof::{CheckProofArgs, WitnessArgs};
use crate::exit::Exit;
use crate::output::{ErrorReport, Report, Verbosity, counted, grouped};
use crate::sign::VerifyingKey;

/// No entry that PostgreSQL stores makes a longer receipt: a value has a gigabyte at most, and Base64 adds a third to it.
const MAX_BYTES: u64 = 2 << 30;

/// What became of a proof, and what that means.
#[derive(Debug, Serialize)]
pub struct CheckProofReport {
    /// The file.
    pub path: PathBuf,
    /// What was checked.
    #[serde(flatten)]
    pub checked: Checked,
    /// What it proves; nothing, unless it holds.
    pub proven: Vec<String>,
    /// What it does not prove.
    pub not_proven: Vec<String>,
}

/// The file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read proof {}", path.display())]
struct ReadError {
    path: PathBuf,
    source: io::Error,
}

impl CheckProofReport {
    fn new(path: &Path, checked: Checked) -> Self {
        let proven = if checked.holds { proven(&checked) } else { Vec::new() };
        let not_proven = not_proven(&checked);
        Self { path: path.to_owned(), checked, proven, not_proven }
    }
}

fn chain_of(checkpoint: &VouchedFor) -> String {
    match checkpoint.tenant_id {
        Some(tenant_id) => format!("tenant {tenant_id}"),
        None => "the log of all checkpoints".to_owned(),
    }
}

fn proven(checked: &Checked) -> Vec<String> {
    let mut proven = Vec::new();
    let from = checked.from.as_deref();
    let beginning = from.and_then(|from| from.checkpoint.as_ref());
    for (Checked { entry, .. }, checkpoint) in [Some(checked), from]
        .into_iter()
        .flatten()
        .filter_map(|checked| Some((checked, checked.checkpoint.as_ref()?)))
    {
        if let Some(entry) = entry {
            proven.push(format!(
                "entry {} of {} was this record when the checkpoint of {} was signed",
                entry.seq,
                chain_of(checkpoint),
                counted(checkpoint.size, "entry", "entries")
            ));
        }
    }
    if let (Some(old), Some(new)) = (beginning, &checked.checkpoint) {
        proven.push(format!(
            "the {} of {} that the newer checkpoint is of begin with the {} of the older one",
            counted(new.size, "entry", "entries"),
            chain_of(new),
            grouped(old.size)
        ));
    }
    proven
}

fn not_proven(checked: &Checked) -> Vec<String> {
    let mut not_proven = Vec::new();
    let Some(checkpoint) = checked.checkpoint.as_ref().filter(|_| checked.holds) else {
        return vec!["anything that it says".to_owned()];
    };
    if checked.entry.is_some() {
        not_proven.push(
            "that what the record says is true, its ts included: only that it was recorded so".to_owned(),
        );
    }
    not_proven.push(format!("what came after the first {}", counted(checkpoint.size, "entry", "entries")));
    not_proven.push("that the database still holds this: `audit verify --checkpoint` compares it".to_owned());
    if checkpoint.witnessed.required == 0 {
        not_proven.push("that nobody was shown another checkpoint by whoever has the signing key: that takes witnesses, with --witness".to_owned());
    }
    not_proven
}

impl Report for CheckProofReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let checked = &self.checked;
        let kind = match checked.kind {
            Kind::Receipt => "receipt",
            Kind::Consistency => "proof of consistency",
            Kind::Checkpoint => "checkpoint",
        };
        let verdict = match checked.holds {
            true => "holds",
            false if checked.all_flaws().all(|flaw| flaw.is_unproven) => "is not proven as demanded",
            false => "does not hold",
        };
        writeln!(out, "{kind} {verdict}")?;
        for flaw in checked.all_flaws() {
            writeln!(out, "  {}: {}", flaw.finding, flaw.detail)?;
        }
        if !checked.holds {
            writeln!(out, "it says:")?;
        }
        write_content(checked, out)?;
        if let Some(from) = &checked.from {
            writeln!(out, "it begins with:")?;
            write_content(from, out)?;
        }
        write_list("proven", &self.proven, out)?;
        write_list("not proven", &self.not_proven, out)
    }
}

fn write_list(title: &str, items: &[String], out: &mut dyn Write) -> io::Result<()> {
    if !items.is_empty() {
        writeln!(out, "{title}:")?;
    }
    items.iter().try_for_each(|item| writeln!(out, "  - {item}"))
}

fn write_content(Checked { entry, checkpoint, .. }: &Checked, out: &mut dyn Write) -> io::Result<()> {
    entry.as_ref().map_or(Ok(()), |entry| write_entry(entry, out))?;
    checkpoint.as_ref().map_or(Ok(()), |checkpoint| write_checkpoint(checkpoint, out))
}

fn write_entry(entry: &ProvenEntry, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  entry       {}", entry.seq)?;
    if let Some(record) = &entry.record {
        writeln!(out, "  record      {record}")?;
    }
    writeln!(out, "  hash        {}", entry.hash)
}

fn write_checkpoint(checkpoint: &VouchedFor, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  log         {}", checkpoint.origin)?;
    writeln!(
        out,
        "  checkpoint  {}, root {}",
        counted(checkpoint.size, "entry", "entries"),
        checkpoint.root
    )?;
    for key in &checkpoint.signed_by {
        writeln!(out, "  signed by   key {key}")?;
    }
    for cosignature in &checkpoint.witnessed.cosignatures {
        writeln!(out, "  cosigned by {} at {}", cosignature.name, cosignature.time)?;
    }
    Ok(())
}

pub(super) fn run(args: &CheckProofArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let keys = load_keys(&args.public_keys)?;
    let policy = load_policy(&args.witnesses, &keys)?;
    let text = read(&args.proof, context)?;
    let from = args.from.as_deref().map(|from| read(from, context)).transpose()?;
    let checked = check(&text, from.as_deref(), Trust { keys: &keys, policy: &policy }).map_err(|error| {
        let report = ErrorReport {
            message: format!("check {}: {error}", args.proof.display()),
            hint: error.hint().map(str::to_owned),
        };
        Failure { exit: Exit::COULD_NOT_RUN, report }
    })?;
    let report = CheckProofReport::new(&args.proof, checked);
    let (exit, error) = judge(&report);
    context.report(exit, &report, error.as_ref())
}

pub(super) fn load_policy(args: &WitnessArgs, log_keys: &[VerifyingKey]) -> Result<Policy, Failure> {
    Ok(Policy::load(&args.witnesses, args.required.map(usize::from), log_keys)?)
}

/// A file's text, or standard input's. What is no text is no proof, and is told like any other.
fn read(path: &Path, context: &Context<'_>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let input = audit_import::open(path, &context.interrupt)?;
    input.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|source| {
        let error = ReadError { path: path.to_owned(), source };
        Failure::new(Exit::COULD_NOT_RUN, &error, None)
    })?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn judge(report: &CheckProofReport) -> (Exit, Option<ErrorReport>) {
    let is_finding = |flaw: &&Flaw| !flaw.is_unproven;
    let flaws = || report.checked.all_flaws();
    let Some(first) = flaws().find(is_finding).or_else(|| flaws().next()) else { return (Exit::DONE, None) };
    let hint = match first.finding {
        "other_key" => "Is it the key of whoever signed? Otherwise the origin, or the signature, was edited.",
        "not_witnessed" => "Ask for a copy that the witnesses have cosigned, or demand fewer.",
        "unknown_version" => "A newer af-tools may know more.",
        _ => "It was edited, or is of something else: ask whoever gave it to you for another copy.",
    };
    let exit = if first.is_unproven { Exit::NOT_PROVABLE } else { Exit::FINDING };
    let message = format!("check {}: {}: {}", report.path.display(), first.finding, first.detail);
    (exit, Some(ErrorReport { message, hint: Some(hint.to_owned()) }))
}
