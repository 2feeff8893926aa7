//! What `af-tools plan run` prints.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;

use crate::memory::{Entry, Namespace, Stats, list};
use crate::output::{Report, Table, Verbosity, counted};
use crate::plan::{Outcome, Recalled, Recorded, State, StepRun};

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
