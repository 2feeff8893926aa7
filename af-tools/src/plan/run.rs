//! One run of a plan: planner, worker and recorder in turn.

use af_core::timestamp::Timestamp;
use serde::Serialize;

use super::{Definition, Outcome, Plan, Planner, RecordError, Recorded, Recorder, Step, Worker};
use crate::memory::{Clock, Namespace};

/// How far a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its steps are being done.
    Running,
    /// All steps were done, or gone past without memory.
    Done,
    /// A step failed, or could not be recorded; those after it were not begun.
    Failed,
    /// Somebody wanted it to stop.
    Cancelled,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A step that was begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRun {
    /// Which one, from 1.
    pub number: usize,
    /// What was to be done.
    #[serde(flatten)]
    pub step: Step,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When it was begun.
    #[serde(skip)]
    pub began_at: Timestamp,
    /// When it was over.
    #[serde(skip)]
    pub ended_at: Timestamp,
}

/// Who does the work.
pub struct Services<'a> {
    /// Makes the plan.
    pub planner: &'a Planner,
    /// Does the steps.
    pub worker: &'a Worker,
    /// Writes down what is done.
    pub recorder: &'a mut dyn Recorder,
    /// Tells when.
    pub clock: &'a dyn Clock,
    /// Whether somebody wants it to stop.
    pub is_interrupted: &'a dyn Fn() -> bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was planned.
    pub plan: Plan,
    /// How it ended.
    pub state: State,
    /// The steps that were begun.
    pub steps: Vec<StepRun>,
    /// Where it is recorded, if it is.
    pub recorded: Option<Recorded>,
}

impl Run {
    /// The step that failed, and why.
    pub fn failure(&self) -> Option<(&StepRun, &str)> {
        self.steps.iter().find_map(|step| match &step.outcome {
            Outcome::Failed { message, .. } => Some((step, message.as_str())),
            _ => None,
        })
    }

    /// How many steps there was no memory for.
    pub fn without_memory(&self) -> usize {
        self.steps.iter().filter(|step| step.outcome == Outcome::WithoutMemory).count()
    }

    /// How many expectations nobody could look at, because there was no memory.
    pub fn unchecked(&self) -> usize {
        let is_unchecked =
            |step: &&StepRun| step.step.expect.is_some() && step.outcome == Outcome::WithoutMemory;
        self.steps.iter().filter(is_unchecked).count()
    }
}

/// Why a run was given up, other than by a step that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be begun; nothing is recorded.
    #[error("begin the plan")]
    Begin(#[source] RecordError),
    /// It could not be recorded what was done.
    #[error("record the plan, whose state is now \"{}\"", state.name())]
    Record {
        /// What is recorded of it in the end: failed, or still running where that could not be recorded either.
        state: State,
        /// Why.
        source: RecordError,
    },
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Begin(source) | Self::Record { source, .. } => source.hint(),
        }
    }
}

/// Runs a plan: step after step, until one fails.
///
/// # Errors
///
/// When the run cannot be recorded. A step that fails is no error, but what the run has found.
pub fn run(definition: Definition, namespace: &Namespace, services: Services<'_>) -> Result<Run, Error> {
    let Services { planner, worker, recorder, clock, is_interrupted } = services;
    let plan = planner.plan(namespace, definition);
    recorder.begin(&plan).map_err(Error::Begin)?;
    let mut steps = Vec::with_capacity(plan.definition.steps.len());
    let mut recorded = 0;
    let mut state = State::Running;
    let mut remaining = plan.definition.steps.iter().enumerate();
    while state == State::Running {
        state = match remaining.next() {
            _ if is_interrupted() => State::Cancelled,
            None => State::Done,
            Some((index, step)) => {
                let began_at = clock.now();
                let outcome = worker.work(namespace, step);
                let has_failed = matches!(outcome, Outcome::Failed { .. });
                steps.push(StepRun {
                    number: index + 1,
                    step: step.clone(),
                    outcome,
                    began_at,
                    ended_at: clock.now(),
                });
                if has_failed { State::Failed } else { State::Running }
            }
        };
        match recorder.record(&steps, state) {
            Ok(()) => recorded = steps.len(),
            Err(source) => {
                // The step counts if its record can be had after all, as where somebody cancelled that.
                let last = if is_interrupted() { State::Cancelled } else { State::Failed };
                let mut attempts = [steps.as_slice(), &steps[..recorded]].into_iter();
                let is_told = attempts.any(|steps| recorder.record(steps, last).is_ok());
                let state = if is_told { last } else { State::Running };
                return Err(Error::Record { state, source });
            }
        }
    }
    planner.remember(namespace, &plan, state);
    Ok(Run { plan, state, steps, recorded: recorder.recorded() })
}
