//! What every store can do.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::{
    Entry, Error, MAX_LIMIT, Metadata, Namespace, Page, Query, Saved, Select, Summary, SummaryRequest,
};

/// Keeps what agents remember, each tenant's apart from the others'. Shared between threads as `Arc<dyn MemoryStore>`.
///
/// What a store has to do beyond the signatures is said here, and held against it by
/// [`conformance`](super::conformance).
pub trait MemoryStore: Send + Sync {
    /// Keeps `value` under `key`. An entry that is there already gets value, metadata and `updated_at` anew, and keeps its
    /// `id` and `created_at`. A bounded store may drop another entry of the same namespace for it, which it names.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyKey`], and what the store's limits refuse: [`Error::KeyTooLong`], [`Error::ValueTooLarge`],
    /// [`Error::MetadataTooLarge`], [`Error::Capacity`]. Then nothing has changed.
    fn save(
        &self,
        namespace: &Namespace,
        key: &str,
        value: Value,
        metadata: Metadata,
    ) -> Result<Saved, Error>;

    /// The entries that a query asks for, in the order of their keys' bytes. That nothing is there is no error. Changes
    /// nothing that another query could show, except which entry a bounded store drops next.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyKey`], [`Error::Limit`], [`Error::Cursor`].
    fn query(&self, namespace: &Namespace, query: &Query) -> Result<Page, Error>;

    /// A text that sums up what the request selects. Changes nothing.
    ///
    /// # Errors
    ///
    /// Only those that every operation can have.
    fn summarize(&self, namespace: &Namespace, request: &SummaryRequest) -> Result<Summary, Error>;

    /// How much is kept, in one namespace or in all together. Changes nothing; that it answers is what health means.
    ///
    /// # Errors
    ///
    /// Only those that every operation can have.
    fn stats(&self, namespace: Option<&Namespace>) -> Result<Stats, Error>;

    /// Forgets everything of one namespace, also its statistics, and nothing of any other. Returns how many entries there
    /// were.
    ///
    /// # Errors
    ///
    /// Only those that every operation can have.
    fn clear(&self, namespace: &Namespace) -> Result<u64, Error>;
}

/// How much a store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// Namespaces that have entries.
    pub namespaces: u64,
    /// Entries.
    pub entries: u64,
    /// Their keys, values and metadata, as compact JSON.
    pub bytes: u64,
    /// Entries that were dropped to make room.
    pub evicted: u64,
}

/// All entries of a namespace, page by page; what changes meanwhile may be in it or not.
///
/// # Errors
///
/// Those of [`MemoryStore::query`].
pub fn contents(store: &dyn MemoryStore, namespace: &Namespace) -> Result<Vec<Arc<Entry>>, Error> {
    let mut query = Query { limit: MAX_LIMIT, ..Query::new(Select::all()) };
    let mut entries = Vec::new();
    loop {
        let page = store.query(namespace, &query)?;
        entries.extend(page.entries);
        match page.next {
            Some(cursor) => query.cursor = Some(cursor),
            None => return Ok(entries),
        }
    }
}
