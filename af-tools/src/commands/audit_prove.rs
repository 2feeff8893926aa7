//! `af-tools audit prove` and `audit prove-consistency`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use af_core::checkpoint::Subject;
use af_core::receipt::Receipt;
use serde::Serialize;

use super::{Context, Failure, output_failed};
use crate::audit::prove;
use crate::checkpoint::{Signed, leaves_of, open_text, tenant_in, text_of};
use crate::cli::proof::{ProveArgs, ProveConsistencyArgs};
use crate::exit::Exit;
use crate::files;
use crate::output::{Format, Report, Verbosity};
use crate::sign::VerifyingKey;

/// A proof.
#[derive(Debug, Serialize)]
pub struct ProofReport {
    /// Of which log it is.
    pub origin: String,
    /// How many entries the checkpoint is of that it leads to.
    pub size: u64,
    /// The position of the entry that it is of, where it is a receipt.
    pub seq: Option<u64>,
    /// How many entries the checkpoint is of that it begins with, where it is a proof of consistency.
    pub from_size: Option<u64>,
    /// Whether a given key has signed the checkpoints.
    pub is_signature_verified: bool,
    /// Where it is, if it was written into a file.
    pub path: Option<PathBuf>,
    /// The proof itself.
    pub proof: String,
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write {}", path.display())]
pub(super) struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl Report for ProofReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        if let Some(seq) = self.seq {
            writeln!(out, "receipt of entry {seq} among the {} of {}", self.size, self.origin)?;
        }
        if let Some(from) = self.from_size {
            writeln!(out, "proof that {} grew from {from} to {} entries", self.origin, self.size)?;
        }
        self.path.as_deref().map_or(Ok(()), |path| writeln!(out, "written to {}", path.display()))
    }
}

pub(super) fn receipt(args: &ProveArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let keys = load_keys(&args.public_keys)?;
    let path = if args.checkpoint.is_dir() {
        tenant_in(&args.checkpoint, args.tenant)
    } else {
        args.checkpoint.clone()
    };
    let signed = open_text(&path, &text_of(&path)?, &keys)?;
    warn_of_no_keys(&keys, context);
    let mut connection = context.connect()?;
    let mut progress = context.printer.progress("entries").stopped_by(&context.interrupt);
    let made = prove::receipt(&mut connection.client, args.tenant, args.seq, &signed, &mut progress);
    drop(progress);
    let proof = made?.to_string();
    let report = ProofReport { seq: Some(args.seq), ..report(&signed, &keys, args.out.as_deref(), proof) };
    tell(&report, context)
}

pub(super) fn consistency(args: &ProveConsistencyArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let keys = load_keys(&args.public_keys)?;
    let from = text_of(&args.from)?;
    // A receipt ends with its checkpoint.
    let from = from.parse::<Receipt>().map_or(from, |receipt| receipt.checkpoint);
    let old = open_text(&args.from, &from, &keys)?;
    let new = open_text(&args.to, &text_of(&args.to)?, &keys)?;
    warn_of_no_keys(&keys, context);
    let proof = match new.origin.subject {
        Subject::Ledger => prove::consistency_of_ledger(&old, &new, &leaves_of(&args.to)?)?,
        Subject::Tenant(tenant_id) => {
            let mut connection = context.connect()?;
            let mut progress = context.printer.progress("entries").stopped_by(&context.interrupt);
            let made = prove::consistency(&mut connection.client, tenant_id, &old, &new, &mut progress);
            drop(progress);
            made?
        }
    };
    let report = ProofReport {
        from_size: Some(old.checkpoint.size),
        ..report(&new, &keys, args.out.as_deref(), proof.to_string())
    };
    tell(&report, context)
}

pub(super) fn load_keys(paths: &[PathBuf]) -> Result<Vec<VerifyingKey>, Failure> {
    paths.iter().map(|path| VerifyingKey::load(path).map_err(Failure::from)).collect()
}

fn warn_of_no_keys(keys: &[VerifyingKey], context: &mut Context<'_>) {
    if keys.is_empty() {
        context
            .printer
            .warning(format_args!("without --public-key, nobody looks at who has signed a checkpoint"));
    }
}

fn report(signed: &Signed, keys: &[VerifyingKey], out: Option<&Path>, proof: String) -> ProofReport {
    ProofReport {
        origin: signed.checkpoint.origin.clone(),
        size: signed.checkpoint.size,
        seq: None,
        from_size: None,
        is_signature_verified: !keys.is_empty(),
        path: out.map(Path::to_owned),
        proof,
    }
}

/// Writes the proof where it was asked for: the result is the proof itself, unless it goes into a file.
fn tell(report: &ProofReport, context: &mut Context<'_>) -> Result<Exit, Failure> {
    write_result(report.path.as_deref(), &report.proof, context)?;
    if report.path.is_some() || context.printer.format() == Format::Json {
        return context.report(Exit::DONE, report, None);
    }
    Ok(Exit::DONE)
}

/// Writes a text into a file if there is one; otherwise, for people, it is the result.
pub(super) fn write_result(out: Option<&Path>, text: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    match out {
        Some(path) => write_file(path, text.as_bytes()),
        None if context.printer.format() == Format::Text => {
            context.printer.raw(text.as_bytes()).map_err(output_failed)
        }
        None => Ok(()),
    }
}

/// Writes a file, whole or not at all.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    files::write_at_once(path, bytes).map_err(|source| {
        let error = WriteError { path: path.to_owned(), source };
        Failure::new(Exit::COULD_NOT_RUN, &error, None)
    })
}
