//! Writes down what is done.

mod draft;
mod error;
mod ledger;

use serde::Serialize;
use uuid::Uuid;

use super::{Plan, State, StepRun};

pub use error::RecordError;
pub use ledger::Ledger;

/// Where a run is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// The plan's id.
    pub plan_id: Uuid,
    /// The trace of its messages.
    pub trace_id: String,
    /// How many messages were stored.
    pub messages: u64,
    /// How many entries the ledger has got.
    pub audits: u64,
    /// The position of the last one in its tenant's chain.
    pub last_seq: i64,
}

/// Writes down what is done, while it is done.
pub trait Recorder {
    /// A plan is begun.
    ///
    /// # Errors
    ///
    /// When that cannot be recorded. Then nothing is.
    fn begin(&mut self, plan: &Plan) -> Result<(), RecordError>;

    /// So far these steps were begun, of which some may be recorded already, and this is the plan's state: all or nothing
    /// of it is recorded.
    ///
    /// # Errors
    ///
    /// When that cannot be recorded.
    fn record(&mut self, steps: &[StepRun], state: State) -> Result<(), RecordError>;

    /// Where it is all recorded.
    fn recorded(&self) -> Option<Recorded>;
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unrecorded;

impl Recorder for Unrecorded {
    fn begin(&mut self, _: &Plan) -> Result<(), RecordError> {
        Ok(())
    }

    fn record(&mut self, _: &[StepRun], _: State) -> Result<(), RecordError> {
        Ok(())
    }

    fn recorded(&self) -> Option<Recorded> {
        None
    }
}
