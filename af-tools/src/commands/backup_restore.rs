//! `af-tools backup restore`, and the rehearsal of `backup verify --deep`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::backup::located;
use super::{Context, Failure};
use crate::audit::verify::Method;
use crate::backup::{self, CHECK_STEP, Check, Receipt, RestoreOptions, Selection, Verdict};
use crate::cli::backup::{RestoreArgs, ServerArgs};
use crate::exit::Exit;
use crate::output::{ErrorReport, Report, Table, Verbosity, counted};
use crate::sign::{SigningKey, VerifyingKey};

/// What a restore came to.
#[derive(Debug, Serialize)]
pub struct BackupRestoreReport {
    /// What the receipt says.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// The receipt's digest, if it was written.
    pub receipt_sha256: Option<String>,
    /// Why it was not written, though it should have been: that undoes nothing.
    #[serde(skip)]
    unwritten: Option<Failure>,
}

impl Report for BackupRestoreReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let Receipt {
            backup,
            into,
            steps,
            checks,
            verdict,
            rpo_seconds,
            rto_seconds,
            kept_as,
            part,
            is_dropped,
            chains_verified,
            ..
        } = &self.receipt;
        let mut table = Table::new(&["step or check", "verdict", ">seconds"]);
        for step in steps {
            table.row([step.name.clone(), String::new(), format!("{:.2}", step.seconds)]);
            for check in checks.iter().filter(|_| step.name == CHECK_STEP) {
                let (verdict, seconds) = (check.verdict.as_str().to_owned(), format!("{:.2}", check.seconds));
                table.row([format!("  {}", check.name), verdict, seconds]);
            }
        }
        table.write(out)?;
        writeln!(out)?;
        for check in checks {
            for detail in &check.details {
                writeln!(out, "{}: {detail}", check.name)?;
            }
        }
        match part {
            None if *is_dropped => {
                writeln!(out, "{backup} was restored into a database that is dropped again")?
            }
            None => writeln!(out, "{backup} is in database {into}")?,
            Some(part) => {
                for (table, rows) in &part.rows {
                    writeln!(out, "{table}: {}", counted(*rows, "row", "rows"))?;
                }
                writeln!(out, "a part of {backup} is in database {into}, to be looked at")?;
            }
        }
        if let Some(kept_as) = kept_as {
            writeln!(out, "the database that was there before is {kept_as}")?;
        }
        let has_chains = |check: &&Check| check.name == "chains" && check.verdict != Verdict::NotApplicable;
        if checks.iter().any(|check| has_chains(&check)) {
            writeln!(
                out,
                "chains verified by {}",
                match chains_verified {
                    Method::Outside => "this program",
                    Method::InDatabase => "the server's af_audit_verify(), which is its extension's own",
                }
            )?;
        }
        writeln!(out, "restored and checked in {rto_seconds:.2} s; the snapshot was {rpo_seconds} s old")?;
        match verdict {
            Verdict::Ok | Verdict::NotApplicable => writeln!(out, "ok: it is what was backed up"),
            Verdict::Unprovable => {
                writeln!(out, "unprovable: nothing differs, but not everything could be told")
            }
            Verdict::Differs => writeln!(out, "differs: it is not what was backed up"),
        }
    }
}

pub(super) fn run(args: &RestoreArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let path = located(&args.backup)?;
    if let Some(file) = &args.verify_key {
        backup::require_signature(&path, &VerifyingKey::load(file)?)?;
    }
    let options = RestoreOptions {
        into: args.into.clone(),
        jobs: args.server.jobs,
        swap: args.swap,
        create_roles: args.create_roles,
        maintenance: args.server.maintenance_db.clone(),
        is_outside: args.server.outside,
    };
    let selection = Selection { tables: args.tables.clone(), tenant: args.tenant };
    let is_whole = selection.tables.is_empty() && selection.tenant.is_none();
    let report = follow(&args.server, context, &mut |settings, watch| {
        if is_whole {
            backup::restore(&path, settings, &options, watch)
        } else {
            backup::restore_part(&path, settings, &options, &selection, watch)
        }
    })?;
    let (exit, error) =
        judge(&report, "The restored database is there to be looked at; nothing has taken its place.");
    context.report(exit, &report, error.as_ref())
}

/// Restores a backup into a database that is dropped again.
pub(super) fn rehearse(
    path: &Path,
    args: &ServerArgs,
    context: &mut Context<'_>,
) -> Result<BackupRestoreReport, Failure> {
    follow(args, context, &mut |settings, watch| {
        backup::rehearse(path, settings, args.jobs, args.outside, args.maintenance_db.clone(), watch)
    })
}

type Work<'a> = &'a mut dyn FnMut(
    &crate::connection::Settings,
    &mut dyn crate::watch::Watch,
) -> Result<Receipt, backup::Error>;

/// Does the work with a progress display, and writes the receipt.
fn follow(
    args: &ServerArgs,
    context: &mut Context<'_>,
    work: Work<'_>,
) -> Result<BackupRestoreReport, Failure> {
    let key = args.sign_key.as_deref().map(SigningKey::load_plain).transpose()?;
    let settings = context.settings()?;
    let mut progress = context.printer.progress("rows").stopped_by(&context.interrupt);
    let receipt = work(&settings, &mut progress);
    drop(progress);
    let receipt = receipt?;
    let written = args.receipt.as_deref().map(|file| backup::write_receipt(file, &receipt, key.as_ref()));
    let (receipt_sha256, unwritten) = match written.transpose() {
        Ok(sha256) => (sha256, None),
        Err(error) => (None, Some(Failure::from(error))),
    };
    Ok(BackupRestoreReport { receipt, receipt_sha256, unwritten })
}

/// What a restore means for the one who asked for it, and what can be done where something differs.
pub(super) fn judge(report: &BackupRestoreReport, hint: &str) -> (Exit, Option<ErrorReport>) {
    let receipt = &report.receipt;
    let of = |verdict| {
        let named = receipt.checks.iter().filter(|check| check.verdict == verdict);
        named.map(|check| check.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let error = |message: String, hint: &str| Some(ErrorReport { message, hint: Some(hint.to_owned()) });
    match receipt.verdict {
        Verdict::Ok | Verdict::NotApplicable => match &report.unwritten {
            None => (Exit::DONE, None),
            Some(failure) => (failure.exit, Some(failure.report.clone())),
        },
        Verdict::Unprovable => (
            Exit::NOT_PROVABLE,
            error(
                format!(
                    "restore {}: not everything could be told: {}",
                    receipt.backup,
                    of(Verdict::Unprovable)
                ),
                "What could not be told, and why, is in the list of checks.",
            ),
        ),
        Verdict::Differs => (
            Exit::FINDING,
            error(
                format!(
                    "restore {}: what was restored is not what was backed up: {}",
                    receipt.backup,
                    of(Verdict::Differs)
                ),
                hint,
            ),
        ),
    }
}
