//! `af-tools plan run`.

mod report;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Context, Failure, audit_import};
use crate::cli::plan::{Hold, RunArgs};
use crate::exit::Exit;
use crate::memory::{
    Bound, Config, Container, Error, Inspector, MemoryStore, Namespace, Options, Sources, WhenFull, contents,
};
use crate::output::{ErrorReport, counted};
use crate::plan::{
    self, Definition, Ledger, Planner, Recorder, Run, Services, State, StepRun, Unrecorded, Worker,
};
use report::Memory;

pub use report::PlanReport;

/// Whose memory it is where nobody is named, and nothing recorded.
const DEFAULT_TENANT: &str = "default";
/// How long to wait before it is seen whether the user wants to stop.
const PATIENCE: Duration = Duration::from_millis(50);

pub(super) fn run(args: &RunArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let is_recorded = !args.no_record && context.global.source().names_a_database(&context.environment);
    check(args, is_recorded)?;
    let definition = Definition::read(audit_import::open(&args.file, &context.interrupt)?);
    let definition = definition.map_err(|source| {
        let error = FileError { path: args.file.display().to_string(), source };
        Failure::new(Exit::COULD_NOT_RUN, &error, None)
    })?;
    let bound = args.memory_capacity.map(|entries| Bound { entries, when_full: WhenFull::default() });
    let options = Options { bound, ..Options::default() };
    let config = Config::resolve(args.experimental_memory, &context.environment, options)
        .map_err(|error| Failure::new(Exit::COULD_NOT_RUN, &error, None))?;
    let container = Container::new(&config, args.seed.map_or_else(Sources::default, Sources::seeded));
    let memory = container.memory();

    let tenant = args.tenant.as_deref().unwrap_or(DEFAULT_TENANT);
    let (mut recorder, namespace): (Box<dyn Recorder>, Namespace) = if is_recorded {
        let actor = context.environment.user.clone().unwrap_or_else(|| "unknown".to_owned());
        let ledger = Ledger::open(context.connect()?, tenant, actor, container.sources().clone());
        let ledger = ledger.map_err(plan::Error::Begin)?;
        let namespace = ledger.tenant().into();
        (Box::new(ledger), namespace)
    } else {
        (Box::new(Unrecorded), tenant.parse().map_err(usage_of_tenant)?)
    };
    let inspector = inspect(args, context, &memory, &namespace)?;
    let services = Services {
        planner: &Planner::new(Arc::clone(&memory)),
        worker: &Worker::new(Arc::clone(&memory)),
        recorder: recorder.as_mut(),
        clock: container.sources().clock.as_ref(),
        is_interrupted: &|| context.interrupt.is_set(),
    };
    let run = plan::run(definition, &namespace, services)?;
    // The session is not needed for what is shown from now on.
    drop(recorder);
    let (exit, error) = judge(&run);
    let report = report(run, namespace, memory.as_ref())?;
    let exit = context.report(exit, &report, error.as_ref())?;
    if let Some(hold) = args.hold.filter(|_| inspector.is_some()) {
        wait(hold, context);
    }
    Ok(exit)
}

/// What makes no sense is refused before anything is read or connected to.
fn check(args: &RunArgs, is_recorded: bool) -> Result<(), Failure> {
    let refused = |message: &str, hint: &str| {
        let report = ErrorReport { message: format!("plan run: {message}"), hint: Some(hint.to_owned()) };
        Err(Failure { exit: Exit::USAGE, report })
    };
    if is_recorded && args.seed.is_some() {
        return refused(
            "--seed makes times and ids up, which have no place in the database that the environment names",
            "Add --no-record, or leave --seed out.",
        );
    }
    if is_recorded && args.tenant.is_none() {
        return refused(
            "a database is given, but not for which tenant the plan is to be recorded",
            "Name the tenant with --tenant, or record nothing with --no-record.",
        );
    }
    match args.inspect {
        Some(address) if !address.ip().to_canonical().is_loopback() && !args.inspect_any_address => refused(
            &format!("others than this machine could connect to {address}, and read everything"),
            "Use 127.0.0.1 or [::1]; if that is what you want, add --inspect-any-address.",
        ),
        _ => Ok(()),
    }
}

fn usage_of_tenant(reason: &'static str) -> Failure {
    let report = ErrorReport { message: format!("plan run: --tenant: {reason}"), hint: None };
    Failure { exit: Exit::USAGE, report }
}

fn inspect(
    args: &RunArgs,
    context: &mut Context<'_>,
    memory: &Arc<dyn MemoryStore>,
    namespace: &Namespace,
) -> Result<Option<Inspector>, Failure> {
    let Some(address) = args.inspect else { return Ok(None) };
    let inspector = Inspector::start(address, Arc::clone(memory), namespace.clone()).map_err(|source| {
        let hint = "Port 0 takes any that is free.".to_owned();
        Failure::new(Exit::COULD_NOT_RUN, &InspectError { address: address.to_string(), source }, Some(hint))
    })?;
    context.printer.note(format_args!("showing the memory at http://{}/memory", inspector.address()));
    Ok(Some(inspector))
}

fn report(run: Run, tenant: Namespace, memory: &dyn MemoryStore) -> Result<PlanReport, Failure> {
    let state = |error: Error| Failure::new(Exit::COULD_NOT_RUN, &MemoryError(error), None);
    let memory = match memory.stats(Some(&tenant)) {
        Ok(stats) => Some(Memory { stats, contents: contents(memory, &tenant).map_err(state)? }),
        Err(Error::Disabled) => None,
        Err(error) => return Err(state(error)),
    };
    let (steps_without_memory, expectations_unchecked) = (run.without_memory(), run.unchecked());
    let Run { plan, state, steps, recorded } = run;
    Ok(PlanReport {
        steps_total: plan.definition.steps.len(),
        name: plan.definition.name,
        version: plan.definition.version,
        tenant,
        state,
        recalled: plan.recalled,
        steps_without_memory,
        expectations_unchecked,
        steps,
        memory,
        recorded,
    })
}

fn judge(run: &Run) -> (Exit, Option<ErrorReport>) {
    let name = &run.plan.definition.name;
    let error = |message, hint: Option<&str>| Some(ErrorReport { message, hint: hint.map(str::to_owned) });
    match (run.state, run.failure(), run.unchecked()) {
        (State::Cancelled, ..) => (
            Exit::INTERRUPTED,
            error(format!("plan {name}: cancelled after {} steps", run.steps.len()), None),
        ),
        (_, Some((StepRun { number, step, .. }, reason)), _) => {
            (Exit::FINDING, error(format!("plan {name}: step {number}, {}: {reason}", step.name), None))
        }
        (_, None, 0) => (Exit::DONE, None),
        (_, None, unchecked) => {
            let expectations = counted(unchecked as u64, "expectation", "expectations");
            let message = format!("plan {name}: {expectations} not looked at, for lack of memory");
            let hint = "Switch memory on with --experimental-memory.";
            (Exit::NOT_PROVABLE, error(message, Some(hint)))
        }
    }
}

fn wait(hold: Hold, context: &mut Context<'_>) {
    let deadline = match hold {
        Hold::Forever => None,
        Hold::For(period) => Some(Instant::now() + period),
    };
    context.printer.note(format_args!("holding; Ctrl-C ends it"));
    while !context.interrupt.is_set() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        thread::sleep(PATIENCE);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("read plan {path}")]
struct FileError {
    path: String,
    source: plan::DefinitionError,
}

#[derive(Debug, thiserror::Error)]
#[error("listen on {address} for --inspect")]
struct InspectError {
    address: String,
    source: io::Error,
}

#[derive(Debug, thiserror::Error)]
#[error("read what is remembered")]
struct MemoryError(#[source] Error);
