//! `af-tools audit cosign` and `audit vkey`.

use std::io::{self, Write};
use std::path::PathBuf;

use af_core::note::is_key_name;
use serde::Serialize;

use super::audit_prove::{load_keys, write_result};
use super::passphrase::load_key;
use super::{Context, Failure};
use crate::checkpoint::{CosignError, Cosigned, Cosigner, open_signed, rfc3339, text_of, witness_key};
use crate::cli::proof::{CosignArgs, VkeyArgs};
use crate::exit::Exit;
use crate::output::{Format, Report, Verbosity, counted};
use crate::sign::VerifyingKey;

/// What was cosigned.
#[derive(Debug, Serialize)]
pub struct CosignReport {
    /// Of which log it is.
    pub origin: String,
    /// How many entries the checkpoint is of.
    pub size: u64,
    /// How many the one was of that was cosigned last; null if this is the first of its log.
    pub last_size: Option<u64>,
    /// When, in seconds since 1970.
    pub timestamp: u64,
    /// The same for people.
    pub time: String,
    /// The key of the witness as others want it.
    pub witness_key: String,
    /// Where the witness remembers it.
    pub state: PathBuf,
    /// Where the checkpoint is, if it was written into a file.
    pub path: Option<PathBuf>,
    /// The checkpoint with all signatures.
    pub note: String,
}

impl Report for CosignReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let entries = counted(self.size, "entry", "entries");
        writeln!(out, "cosigned {entries} of {} at {}", self.origin, self.time)?;
        self.path.as_deref().map_or(Ok(()), |path| writeln!(out, "written to {}", path.display()))
    }
}

pub(super) fn run(args: &CosignArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let keys = load_keys(&args.public_keys)?;
    let key = load_key(&args.key, &args.passphrase)?;
    let signed = open_signed(&args.checkpoint, &keys)?;
    let proof = args.proof.as_deref().map(text_of).transpose()?;
    let cosigner = Cosigner { name: &args.name, key: &key, state: &args.state, log_keys: &keys };
    let Cosigned { note, last_size, timestamp, state } = cosigner.cosign(&signed, proof.as_deref())?;
    let report = CosignReport {
        origin: signed.checkpoint.origin,
        size: signed.checkpoint.size,
        last_size,
        timestamp,
        time: rfc3339(timestamp),
        witness_key: witness_key(&args.name, &key.verifying_key()).to_string(),
        state,
        path: args.out.clone(),
        note: note.to_string(),
    };
    if last_size.is_none() {
        context.printer.warning(format_args!(
            "the first checkpoint of {} that this witness sees: it is taken as it is, and what was before it nobody has compared",
            report.origin
        ));
    }
    write_result(args.out.as_deref(), &report.note, context)?;
    if report.path.is_some() || context.printer.format() == Format::Json {
        return context.report(Exit::DONE, &report, None);
    }
    Ok(Exit::DONE)
}

/// The key of a witness.
#[derive(Debug, Serialize)]
pub struct VkeyReport {
    /// As others want it: NAME+ID+KEY.
    pub witness_key: String,
}

impl Report for VkeyReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        writeln!(out, "{}", self.witness_key)
    }
}

pub(super) fn vkey(args: &VkeyArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    if !is_key_name(&args.name) {
        return Err(CosignError::Name(args.name.clone()).into());
    }
    let key = VerifyingKey::load(&args.public_key)?;
    let report = VkeyReport { witness_key: witness_key(&args.name, &key).to_string() };
    context.report(Exit::DONE, &report, None)
}
