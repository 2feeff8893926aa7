//! `af-tools validate`.

mod nagios;
mod text;
mod watch;

use serde::Serialize;

use super::{Context, Failure, output_failed};
use crate::cli::validate::{Format, ValidateArgs};
use crate::connection::Settings;
use crate::exit::Exit;
use crate::output::ErrorReport;
use crate::validate::{self, Health, Plan, Service, Status, metrics};

/// How well the services are.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct HealthReport(Health);

pub(super) fn run(args: &ValidateArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    match args.format {
        Format::Text if args.watch => watch::run(args, context),
        Format::Text => {
            let settings = settings(args, context)?;
            let health = check(args, settings, context)?;
            tell(args, health, context)
        }
        Format::Nagios => {
            let checked = settings(args, context)
                .and_then(|settings| check(args, settings, context))
                .and_then(|health| write_metrics(args, &health).map(|()| health));
            let (exit, line) = match &checked {
                Ok(health) => nagios::line(health),
                Err(failure) => nagios::unknown(failure),
            };
            context.printer.raw(format!("{line}\n").as_bytes()).map_err(output_failed)?;
            Ok(exit)
        }
    }
}

/// Where PostgreSQL is, if it is to be checked.
fn settings(args: &ValidateArgs, context: &mut Context<'_>) -> Result<Option<Settings>, Failure> {
    if args.selection().includes(Service::Postgres)? { context.settings().map(Some) } else { Ok(None) }
}

fn check(args: &ValidateArgs, settings: Option<Settings>, context: &Context<'_>) -> Result<Health, Failure> {
    let plan = Plan::new(&args.selection(), &args.places(), &context.environment, settings, args.patience())?;
    let interrupt = context.interrupt.clone();
    validate::round(&plan, &|| interrupt.is_set()).ok_or_else(Failure::interrupted)
}

/// Writes the result to wherever it is wanted.
fn tell(args: &ValidateArgs, health: Health, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let written = write_metrics(args, &health);
    let (exit, error) = match &written {
        Ok(()) => judge(&health),
        Err(failure) => (failure.exit, Some(failure.report.clone())),
    };
    context.report(exit, &HealthReport(health), error.as_ref())
}

fn write_metrics(args: &ValidateArgs, health: &Health) -> Result<(), Failure> {
    match &args.metrics_file {
        Some(path) => metrics::write(health, path).map_err(|error| {
            let hint = "The directory must exist, and be one that this user may write to.".to_owned();
            Failure::new(Exit::COULD_NOT_RUN, &error, Some(hint))
        }),
        None => Ok(()),
    }
}

fn judge(health: &Health) -> (Exit, Option<ErrorReport>) {
    let (exit, message, hint) = match health.status() {
        Some(Status::Pass | Status::Warn) => return (Exit::DONE, None),
        Some(Status::Fail) => {
            let failed: Vec<&str> = failed(health).collect();
            (
                Exit::FINDING,
                format!("validate: {} not well", failed.join(", ")),
                "docs/services.md has more on each kind of trouble.",
            )
        }
        None => (
            Exit::NOT_PROVABLE,
            "validate: nothing was checked".to_owned(),
            "Name a service with --require, and say where it is.",
        ),
    };
    (exit, Some(ErrorReport { message, hint: Some(hint.to_owned()) }))
}

/// The required services that are not well.
fn failed(health: &Health) -> impl Iterator<Item = &'static str> {
    let failed = health.services.iter().filter(|one| one.is_required && one.status() == Status::Fail);
    failed.map(|one| one.service.name())
}
