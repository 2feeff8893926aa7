//! No memory.

use serde_json::Value;

use super::{Error, MemoryStore, Metadata, Namespace, Page, Query, Saved, Stats, Summary, SummaryRequest};

/// Where memory is off: callers are told so by each call, and go on without.
#[derive(Debug, Clone, Copy, Default)]
pub struct DisabledStore;

impl MemoryStore for DisabledStore {
    fn save(&self, _: &Namespace, _: &str, _: Value, _: Metadata) -> Result<Saved, Error> {
        Err(Error::Disabled)
    }

    fn query(&self, _: &Namespace, _: &Query) -> Result<Page, Error> {
        Err(Error::Disabled)
    }

    fn summarize(&self, _: &Namespace, _: &SummaryRequest) -> Result<Summary, Error> {
        Err(Error::Disabled)
    }

    fn stats(&self, _: Option<&Namespace>) -> Result<Stats, Error> {
        Err(Error::Disabled)
    }

    fn clear(&self, _: &Namespace) -> Result<u64, Error> {
        Err(Error::Disabled)
    }
}
