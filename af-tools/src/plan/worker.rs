//! Does one step.

use std::error::Error as _;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::definition::Save;
use super::{Action, Expect, Step};
use crate::memory::{Error, MemoryStore, Namespace, Page, value_bytes};

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is kept.
    Saved {
        /// The entry's id.
        id: Uuid,
        /// Whether it was not there before.
        is_new: bool,
        /// How large the value is, as compact JSON.
        value_bytes: usize,
        /// The key of what was dropped to make room.
        #[serde(skip_serializing_if = "Option::is_none")]
        evicted: Option<String>,
    },
    /// It was looked up.
    Found {
        /// How much matches.
        total: u64,
        /// The keys of what was found, up to the limit.
        keys: Vec<String>,
    },
    /// It is summed up.
    Summarized {
        /// The summary.
        summary: String,
    },
    /// All is forgotten.
    Cleared {
        /// How much it was.
        entries: u64,
    },
    /// There is no memory; nothing was done.
    WithoutMemory,
    /// It went wrong.
    Failed {
        /// What, for programs: the name of a memory error, or `unexpected`.
        error: String,
        /// What, for people.
        message: String,
    },
}

impl Outcome {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Saved { .. } => "saved",
            Self::Found { .. } => "found",
            Self::Summarized { .. } => "summarized",
            Self::Cleared { .. } => "cleared",
            Self::WithoutMemory => "without_memory",
            Self::Failed { .. } => "failed",
        }
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Disabled) {
            return Self::WithoutMemory;
        }
        let message = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self::Failed { error: error.name().to_owned(), message }
    }
}

/// Does steps, with whatever memory it is given.
pub struct Worker {
    memory: Arc<dyn MemoryStore>,
}

impl Worker {
    /// One that works with this memory.
    pub fn new(memory: Arc<dyn MemoryStore>) -> Self {
        Self { memory }
    }

    /// Does a step. That memory is off is no failure: [`Outcome::WithoutMemory`].
    pub fn work(&self, namespace: &Namespace, step: &Step) -> Outcome {
        let memory = &self.memory;
        let outcome = match &step.action {
            Action::Save(Save { key, value, metadata }) => {
                memory.save(namespace, key, value.clone(), metadata.clone()).map(|saved| Outcome::Saved {
                    id: saved.entry.id,
                    is_new: saved.is_new,
                    value_bytes: value_bytes(value),
                    evicted: saved.evicted,
                })
            }
            Action::Query(lookup) => {
                memory.query(namespace, &lookup.query()).map(|page| found(page, step.expect))
            }
            Action::Summarize(sum_up) => memory
                .summarize(namespace, &sum_up.request())
                .map(|summary| Outcome::Summarized { summary: summary.0.into_owned() }),
            Action::Clear(_) => memory.clear(namespace).map(|entries| Outcome::Cleared { entries }),
        };
        outcome.unwrap_or_else(Outcome::from)
    }
}

fn found(page: Page, expect: Option<Expect>) -> Outcome {
    match expect {
        Some(Expect { total }) if total != page.total => Outcome::Failed {
            error: "unexpected".to_owned(),
            message: format!("entries that match: {}, expected: {total}", page.total),
        },
        _ => Outcome::Found {
            total: page.total,
            keys: page.entries.iter().map(|entry| entry.key.clone()).collect(),
        },
    }
}
