//! Plans: steps that agents do with their memory, and the record of what they did.
//!
//! - [`Definition`]: what is to be done, as a file in YAML says
//! - [`Planner`]: makes a [`Plan`] of it, and remembers how plans went
//! - [`Worker`]: does a step
//! - [`run()`]: has both do their work, and a [`Recorder`] write it down
//! - [`Ledger`]: the recorder that keeps plans, messages and audits in the database
//!
//! Planner and worker are given an `Arc<dyn MemoryStore>` and know no store by name.

mod definition;
mod file;
mod planner;
mod record;
mod run;
mod worker;

pub use definition::{Action, Clear, Definition, Expect, Lookup, Save, Step, SumUp};
pub use file::{DefinitionError, MAX_FILE_BYTES, MAX_STEPS};
pub use planner::{Plan, Planner, Recalled};
pub use record::{Ledger, RecordError, Recorded, Recorder, Unrecorded};
pub use run::{Error, Run, Services, State, StepRun, run};
pub use worker::{Outcome, Worker};
