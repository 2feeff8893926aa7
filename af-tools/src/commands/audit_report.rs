//! `af-tools audit report`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use af_core::digest::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::audit_verify::{Guards, Prepared, judge, prepare, warn_of_few_jobs};
use super::{Context, Failure, VerifyReport};
use crate::audit::report::{self, AuditReport, html};
use crate::cli::audit::ReportArgs;
use crate::exit::Exit;
use crate::files;
use crate::output::{Report, Verbosity, counted};
use crate::sign::VerifyingKey;

/// A report, and where its page is.
#[derive(Debug, Serialize)]
pub struct PageReport {
    /// The page.
    pub path: PathBuf,
    /// SHA-256 of the page, in hexadecimal.
    pub sha256: String,
    /// What is in it.
    #[serde(flatten)]
    pub report: AuditReport,
}

/// The page could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write {}", path.display())]
struct PageError {
    path: PathBuf,
    source: io::Error,
}

impl Report for PageReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let verification = &self.report.verification;
        writeln!(
            out,
            "{}: {} in {}, {}",
            verification.status.as_str(),
            counted(verification.entries, "entry", "entries"),
            counted(verification.chains.len() as u64, "chain", "chains"),
            counted(verification.findings_total, "finding", "findings")
        )?;
        writeln!(out, "report {}", self.path.display())?;
        writeln!(out, "sha256 {}", self.sha256)
    }
}

pub(super) fn run(args: &ReportArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let Prepared { mut connection, jobs, options, keys, witnessed: _, is_compared } =
        prepare(&args.scope, context)?;
    let keys = keys.iter().map(VerifyingKey::id).collect();
    let mut progress = context.printer.progress("entries").stopped_by(&context.interrupt);
    let guards = Guards::look(&mut connection, &args.scope);
    let inspection = match &guards {
        Guards::Compared(inspection) => Some(inspection.clone()),
        Guards::NotCompared { .. } | Guards::Skipped => None,
    };
    let client = &mut connection.client;
    let made = report::make(client, jobs, &options, keys, inspection, SystemTime::now(), &mut progress);
    drop(progress);
    let report = made?;
    warn_of_few_jobs(&report.verification, &args.scope, context);
    let page = html::page(&report);
    files::write_at_once(&args.out, page.as_bytes()).map_err(|source| {
        let error = PageError { path: args.out.clone(), source };
        Failure::new(Exit::COULD_NOT_RUN, &error, None)
    })?;
    let (exit, error) =
        judge(&VerifyReport::new(report.verification.clone(), is_compared, guards), &args.scope);
    let sha256 = Digest::from(<[u8; 32]>::from(Sha256::digest(&page))).to_string();
    context.report(exit, &PageReport { path: args.out.clone(), sha256, report }, error.as_ref())
}
