//! `af-tools audit verify`.

mod guards;
mod judge;
mod prepare;
#[cfg(test)]
mod tests;
mod text;

use std::time::SystemTime;

use serde::Serialize;
use uuid::Uuid;

pub use guards::Guards;
pub(super) use judge::judge;
pub(super) use prepare::{Prepared, prepare, warn_of_few_jobs};
pub(super) use text::write_finding;

use super::{Context, Failure};
use crate::audit::metrics::{self, Verdict};
use crate::audit::record::Circumstances;
use crate::audit::verify::{self, Status, Verification};
use crate::checkpoint::WitnessedFile;
use crate::cli::audit::{ScopeArgs, VerifyArgs};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::output::ErrorReport;

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
    /// Who has cosigned the checkpoints; empty where no witnesses were named.
    pub witnessed: Vec<WitnessedFile>,
    /// Whether what guards the ledger is in place.
    pub guards: Guards,
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
            witnessed: Vec::new(),
            guards,
        }
    }

    /// The same with what the witnesses say.
    fn with_witnesses(self, witnessed: Vec<WitnessedFile>) -> Self {
        Self { witnessed, ..self }
    }
}

pub(super) fn run(args: &VerifyArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let verified = verify(args, context);
    let written = args.metrics_file.as_ref().map_or(Ok(()), |path| {
        let verdict = match &verified {
            Ok((_, Exit::DONE, _)) => Verdict::Fine,
            // A checkpoint that was edited ends it before there is a report.
            Ok((_, Exit::FINDING, _)) | Err(Failure { exit: Exit::FINDING, .. }) => Verdict::Found,
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
    let Prepared { mut connection, jobs, options, keys: _, witnessed, is_compared } =
        prepare(&args.scope, context)?;
    let mut progress = context.printer.progress("entries").stopped_by(&context.interrupt);
    let verified = verify::verify(&mut connection.client, jobs, &options, &mut progress);
    drop(progress);
    let verification = verified?;
    warn_of_few_jobs(&verification, &args.scope, context);
    let guards = Guards::look(&mut connection, &args.scope);
    let report = VerifyReport::new(verification, is_compared, guards).with_witnesses(witnessed);
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
