//! The log of what is done with memory.

use serde_json::Value;
use tracing::debug;

use super::{
    Error, MemoryStore, Metadata, Namespace, Page, Query, Saved, Select, Stats, Summary, SummaryRequest,
    value_bytes,
};

/// Tells each operation of the store inside, at debug level: its key, how much, and what came of it. Never a value, and of
/// metadata the names alone.
#[derive(Debug, Clone, Copy)]
pub struct Logged<S>(pub S);

fn outcome<T>(result: &Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.name(),
    }
}

fn names(filter: &Metadata) -> String {
    filter.keys().map(String::as_str).collect::<Vec<_>>().join(",")
}

impl<S: MemoryStore> MemoryStore for Logged<S> {
    fn save(
        &self,
        namespace: &Namespace,
        key: &str,
        value: Value,
        metadata: Metadata,
    ) -> Result<Saved, Error> {
        let (bytes, names) = (value_bytes(&value), names(&metadata));
        let result = self.0.save(namespace, key, value, metadata);
        let outcome = outcome(&result);
        let evicted = result.as_ref().ok().and_then(|saved| saved.evicted.as_deref());
        debug!(%namespace, key, bytes, metadata = names, evicted, outcome, "memory save");
        result
    }

    fn query(&self, namespace: &Namespace, query: &Query) -> Result<Page, Error> {
        let result = self.0.query(namespace, query);
        let outcome = outcome(&result);
        let total = result.as_ref().ok().map(|page| page.total);
        let (key, prefix) = match &query.select {
            Select::Key(key) => (Some(key.as_str()), None),
            Select::Prefix(prefix) => (None, Some(prefix.as_str())),
        };
        debug!(%namespace, key, prefix, filter = names(&query.filter), limit = query.limit, total, outcome, "memory query");
        result
    }

    fn summarize(&self, namespace: &Namespace, request: &SummaryRequest) -> Result<Summary, Error> {
        let result = self.0.summarize(namespace, request);
        let outcome = outcome(&result);
        let bytes = result.as_ref().ok().map(|summary| summary.0.len());
        debug!(%namespace, prefix = request.prefix, filter = names(&request.filter), bytes, outcome, "memory summarize");
        result
    }

    fn stats(&self, namespace: Option<&Namespace>) -> Result<Stats, Error> {
        let result = self.0.stats(namespace);
        let outcome = outcome(&result);
        debug!(namespace = namespace.map(Namespace::as_str), outcome, "memory stats");
        result
    }

    fn clear(&self, namespace: &Namespace) -> Result<u64, Error> {
        let result = self.0.clear(namespace);
        let outcome = outcome(&result);
        debug!(%namespace, entries = result.as_ref().ok(), outcome, "memory clear");
        result
    }
}
