//! `af-tools plan run`.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Context, Failure, audit_import};
use crate::cli::plan::{Hold, RunArgs};
use crate::exit::Exit;
use crate::memory::{
    Bound, Config, Container, Entry, Error, Inspector, MemoryStore, Namespace, Options, Sources, Stats,
    WhenFull, contents, list,
};
use crate::output::{ErrorReport, Report, Table, Verbosity, counted};
use crate::plan::{
    self, Definition, Ledger, Outcome, Planner, Recalled, Recorded, Recorder, Run, Services, State, StepRun,
    Unrecorded, Worker,
};

/// Whose memory it is where nobody is named, and nothing recorded.
const DEFAULT_TENANT: &str = "default";
/// How long to wait before it is seen whether the user wants to stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// How much of a value is shown to people.
const EXCERPT_CHARS: usize = 60;
/// How many entries are shown to people, unless they want all.
const SHOWN_ENTRIES: usize = 20;

/// What was done, and what is remembered in the end.
#[derive(Debug, Serialize)]
pub struct PlanReport {
    /// The plan's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// For whom.
    pub tenant: Namespace,
    /// How it ended.
    pub state: State,
    /// What the planner knew of earlier runs.
    #[serde(flatten)]
    pub recalled: Recalled,
    /// How many steps there are, begun or not.
    pub steps_total: usize,
    /// How many of them there was no memory for.
    pub steps_without_memory: usize,
    /// How many expectations nobody could look at.
    pub expectations_unchecked: usize,
    /// Those that were begun.
    pub steps: Vec<StepRun>,
    /// What is remembered; nothing where there is no memory.
    pub memory: Option<Memory>,
    /// Where it is recorded, if it is.
    pub recorded: Option<Recorded>,
}

/// What is remembered.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// How much.
    #[serde(flatten)]
    pub stats: Stats,
    /// All of it, in the order of keys.
    #[serde(serialize_with = "list")]
    pub contents: Vec<Arc<Entry>>,
}

impl Report for PlanReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Self { name, version, tenant, state, steps, steps_total, .. } = self;
        let mut table = Table::new(&["step", "agent", "action", "about", "outcome"]);
        for StepRun { step, outcome, .. } in steps {
            let about = step.action.subject().unwrap_or_default().to_owned();
            table.row([
                step.name.clone(),
                step.agent.clone(),
                step.action.name().to_owned(),
                about,
                told(outcome),
            ]);
        }
        table.write(out)?;
        writeln!(out)?;
        if steps.len() < *steps_total {
            writeln!(out, "{} not begun", counted((steps_total - steps.len()) as u64, "step", "steps"))?;
        }
        writeln!(out, "plan {name} {version} for tenant {tenant}: {}", state.name())?;
        match &self.memory {
            Some(memory) => memory.write_text(out, verbosity)?,
            None => writeln!(out, "memory: disabled")?,
        }
        match &self.recorded {
            Some(Recorded { plan_id, messages, audits, last_seq, .. }) => {
                let messages = counted(*messages, "message", "messages");
                let audits = counted(*audits, "entry", "entries");
                writeln!(
                    out,
                    "recorded as plan {plan_id}: {messages}, {audits} of the ledger (the last is seq {last_seq})"
                )
            }
            None => writeln!(out, "not recorded"),
        }
    }
}

impl Memory {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Stats { entries, bytes, evicted, .. } = self.stats;
        let dropped = if evicted > 0 { format!(", {evicted} dropped to make room") } else { String::new() };
        let (entries, bytes) = (counted(entries, "entry", "entries"), counted(bytes, "byte", "bytes"));
        writeln!(out, "memory: {entries}, {bytes}{dropped}")?;
        if self.contents.is_empty() {
            return Ok(());
        }
        let shown = if verbosity == Verbosity::Verbose { self.contents.len() } else { SHOWN_ENTRIES };
        let mut table = Table::new(&["key", "value", "metadata"]);
        for entry in self.contents.iter().take(shown) {
            let metadata = serde_json::to_string(&entry.metadata)?;
            table.row([entry.key.clone(), excerpt(&entry.value.to_string()), excerpt(&metadata)]);
        }
        writeln!(out)?;
        table.write(out)?;
        if shown < self.contents.len() {
            writeln!(out, "… and {} more (--verbose lists all)", self.contents.len() - shown)?;
        }
        writeln!(out)
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Saved { is_new, evicted, value_bytes, .. } => {
            let what = if *is_new { "saved" } else { "updated" };
            let dropped = evicted.as_ref().map(|key| format!(", {key} dropped")).unwrap_or_default();
            format!("{what}, {}{dropped}", counted(*value_bytes as u64, "byte", "bytes"))
        }
        Outcome::Found { total, keys } if *total > keys.len() as u64 => {
            format!("{} of {total} found", keys.len())
        }
        Outcome::Found { total, .. } => format!("{total} found"),
        Outcome::Summarized { summary } => excerpt(summary),
        Outcome::Cleared { entries } => format!("{entries} forgotten"),
        Outcome::WithoutMemory => "without memory".to_owned(),
        Outcome::Failed { message, .. } => format!("failed: {message}"),
    }
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

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
