//! `af-tools backup create` and `verify`.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::backup_restore::{self, BackupRestoreReport};
use super::{Context, Failure};
use crate::backup::{self, Created, Finding, Manifest, Mark, Signed, Verification, store};
use crate::cli::backup::{BackupArgs, CreateArgs, VerifyArgs};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::output::{ErrorReport, Report, Verbosity, counted, grouped};
use crate::sign::{SigningKey, VerifyingKey};

/// How many findings people are shown unless they want all.
const MAX_FINDINGS: usize = 20;

/// A finished backup.
#[derive(Debug, Serialize)]
pub struct BackupCreateReport {
    /// Where it is.
    pub path: PathBuf,
    /// The digest of its manifest, to be written down elsewhere.
    pub manifest_sha256: String,
    /// Whether the manifest is signed.
    pub is_signed: bool,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Report for BackupCreateReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Manifest { kind, database, snapshot, facts, compression, files, .. } = &self.manifest;
        if verbosity >= Verbosity::Verbose {
            for table in &facts.tables {
                let rows = table
                    .rows
                    .map_or_else(|| "no rows in it".to_owned(), |rows| counted(rows, "row", "rows"));
                writeln!(out, "{}: {rows}", table.name)?;
            }
        }
        writeln!(out, "{}", self.path.display())?;
        writeln!(
            out,
            "{} backup of {}: {} of {}, {} in {} ({}), as of {}",
            kind.as_str(),
            database.name,
            counted(self.manifest.rows(), "row", "rows"),
            counted(facts.tables.len() as u64, "table", "tables"),
            counted(self.manifest.size(), "byte", "bytes"),
            counted(files.len() as u64 + 1, "file", "files"),
            compression.used,
            snapshot.taken_at
        )?;
        writeln!(out, "heads of {}", counted(facts.heads.len() as u64, "chain", "chains"))?;
        let signed = if self.is_signed { ", signed" } else { "" };
        writeln!(out, "manifest {}{signed}", self.manifest_sha256)
    }
}

/// Whether a backup is what its manifest says.
#[derive(Debug, Serialize)]
pub struct BackupVerifyReport {
    /// What was checked.
    #[serde(flatten)]
    pub verification: Verification,
    /// The note that was left in it.
    pub mark: Option<Mark>,
    /// What restoring it came to, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored: Option<BackupRestoreReport>,
}

impl Report for BackupVerifyReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Verification { name, kind, files, bytes, rows, signed, seconds, findings, .. } =
            &self.verification;
        write_findings(findings, verbosity, out)?;
        let rows = rows.map_or_else(|| "not decoded".to_owned(), |rows| counted(rows, "row", "rows"));
        writeln!(
            out,
            "{name} ({}): {}, {}, {rows}, in {seconds:.2} s",
            kind.as_str(),
            counted(*files, "file", "files"),
            counted(*bytes, "byte", "bytes")
        )?;
        match signed {
            Signed::No => writeln!(out, "not signed")?,
            Signed::Unchecked => writeln!(out, "signed, by whom was not checked (--verify-key)")?,
            Signed::Yes => writeln!(out, "signed by the owner of the key")?,
            Signed::Wrong => {}
        }
        if !findings.is_empty() {
            return writeln!(out, "corrupt: {}", counted(findings.len() as u64, "finding", "findings"));
        }
        writeln!(
            out,
            "ok: every file is what the manifest says, and the dump has every row that was counted"
        )?;
        match &self.restored {
            Some(restored) => restored.write_text(out, verbosity),
            None => Ok(()),
        }
    }
}

/// The findings as people are shown them.
pub(super) fn write_findings(
    findings: &[Finding],
    verbosity: Verbosity,
    out: &mut dyn Write,
) -> io::Result<()> {
    let limit = if verbosity < Verbosity::Verbose { MAX_FINDINGS } else { usize::MAX };
    let shown = findings.len().min(limit);
    for finding in &findings[..shown] {
        writeln!(out, "{}: {}\n    {}", finding.finding, finding.subject, finding.detail)?;
    }
    if shown < findings.len() {
        writeln!(out, "… and {} more findings", grouped((findings.len() - shown) as u64))?;
    }
    Ok(())
}

pub(super) fn create(args: &CreateArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let key = args.sign_key.as_deref().map(SigningKey::load_plain).transpose()?;
    let settings = context.settings()?;
    let mut connection = Connection::open(&settings)?;
    context.interrupt.cancels(connection.canceller());
    let options = backup::CreateOptions {
        out: args.out.clone(),
        kind: args.kind.into(),
        jobs: args.jobs,
        compression: args.compress,
        lock_timeout: args.lock_timeout,
        key: key.as_ref(),
    };
    let mut progress = context.printer.progress("kB").stopped_by(&context.interrupt);
    let created = backup::create(&mut connection, &settings, &options, &mut progress);
    drop(progress);
    let Created { path, manifest, sha256, is_signed } = created?;
    if manifest.compression.used != manifest.compression.asked {
        context.printer.warning(format_args!(
            "compressed with {} instead of {}, which this pg_dump does not have",
            manifest.compression.used, manifest.compression.asked
        ));
    }
    if !manifest.omitted.is_empty() {
        context.printer.warning(format_args!(
            "of tables that belong to extensions, pg_dump leaves out all rows or some: {}",
            manifest.omitted.join(", ")
        ));
    }
    let report = BackupCreateReport { path, manifest_sha256: sha256, is_signed, manifest };
    context.report(Exit::DONE, &report, None)
}

/// Where the backup is that is meant.
pub(super) fn located(args: &BackupArgs) -> Result<PathBuf, backup::Error> {
    let directory = &args.directory.dir;
    match &args.name {
        Some(name) => Ok(store::locate(directory, name)),
        None => store::latest(directory),
    }
}

pub(super) fn verify(args: &VerifyArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    if args.server.is_given() && !args.deep {
        let message = "--outside, --maintenance-db and --receipt say how --deep is done".to_owned();
        let report = ErrorReport { message, hint: Some("Give --deep too.".to_owned()) };
        return Err(Failure { exit: Exit::USAGE, report });
    }
    let path = located(&args.backup)?;
    let key = args.verify_key.as_deref().map(VerifyingKey::load).transpose()?;
    let mut progress = context.printer.progress("kB").stopped_by(&context.interrupt);
    let options = backup::VerifyOptions { key: key.as_ref(), jobs: args.server.jobs };
    let verified = backup::verify(&path, options, &mut progress);
    drop(progress);
    let verification = verified?;
    let (mut exit, mut error) = judge(&verification, key.is_some());
    let mut restored = None;
    if args.deep && exit == Exit::DONE {
        let report = backup_restore::rehearse(&path, &args.server, context)?;
        (exit, error) = backup_restore::judge(
            &report,
            "Don't rely on this backup; `backup restore` leaves the restored database to be looked at.",
        );
        restored = Some(report);
    }
    let is_noted = exit == Exit::DONE && !args.no_mark;
    let mark = is_noted.then(|| backup::note(&path, restored.is_some())).transpose()?;
    context.report(exit, &BackupVerifyReport { verification, mark, restored }, error.as_ref())
}

pub(super) fn judge(verification: &Verification, is_signature_required: bool) -> (Exit, Option<ErrorReport>) {
    let Verification { findings, signed, name, .. } = verification;
    if let Some(first) = findings.first() {
        let count = counted(findings.len() as u64, "finding", "findings");
        let error = ErrorReport {
            message: format!("verify {name}: {count}; the first is {first}"),
            hint: Some(
                "Don't rely on this backup: look for another one with `af-tools backup list`.".to_owned(),
            ),
        };
        return (Exit::FINDING, Some(error));
    }
    if is_signature_required && *signed == Signed::No {
        let error = ErrorReport {
            message: format!("verify {name}: it is not signed, and a signature was asked for"),
            hint: Some("`backup create --sign-key FILE` signs the manifest.".to_owned()),
        };
        return (Exit::NOT_PROVABLE, Some(error));
    }
    (Exit::DONE, None)
}
