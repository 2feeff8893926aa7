//! The stub: a store in this process alone, gone with it.

mod space;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;

use super::{
    Error, MemoryStore, Metadata, Namespace, Page, Query, Saved, Select, Sources, Stats, Summary,
    SummaryRequest, value_bytes,
};
use space::{Draft, Space};

/// What the stub answers whenever it is asked for a summary: it does not understand what it keeps.
pub const SUMMARY: &str = "no summary: the in-memory store is a stub";

/// What happens when a full namespace is to take one more entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The entry that was not used for longest is dropped. Saving an entry and finding it by its exact key are uses;
    /// being listed by a prefix is not, and neither are summaries and statistics.
    #[default]
    DropLeastRecentlyUsed,
    /// [`Error::Capacity`].
    Refuse,
}

/// How many entries each namespace takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// At most.
    pub entries: NonZeroUsize,
    /// And then.
    pub when_full: WhenFull,
}

/// How large an entry may be, in bytes; values and metadata as compact JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The key.
    pub key_bytes: usize,
    /// The value.
    pub value_bytes: usize,
    /// The metadata.
    pub metadata_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { key_bytes: 512, value_bytes: 256 * 1024, metadata_bytes: 16 * 1024 }
    }
}

/// How the store is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Each entry.
    pub limits: Limits,
    /// Each namespace; without, it grows as long as there is memory.
    pub bound: Option<Bound>,
}

/// Entries in a hash map with an ordered index for each namespace, all of them under one read-write lock.
///
/// Operations are atomic and seen by all threads in one order. Ids and times are given under the lock, so that
/// `updated_at` never goes back as long as the clock does not. A panic of the clock or the id source changes nothing: they
/// are asked before anything is.
pub struct InMemoryStore {
    options: Options,
    sources: Sources,
    spaces: RwLock<HashMap<Namespace, Space>>,
}

impl InMemoryStore {
    /// An empty one.
    pub fn new(options: Options, sources: Sources) -> Self {
        Self { options, sources, spaces: RwLock::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Namespace, Space>> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Namespace, Space>> {
        self.spaces.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether finding an entry has to be remembered, which needs the lock for writing.
    fn counts_uses(&self) -> bool {
        self.options.bound.is_some_and(|bound| bound.when_full == WhenFull::DropLeastRecentlyUsed)
    }

    fn check(&self, key: &str, value: &Value, metadata: &Metadata) -> Result<usize, Error> {
        let Limits { key_bytes, value_bytes: most, metadata_bytes } = self.options.limits;
        let (value, metadata) = (value_bytes(value), value_bytes(metadata));
        match key.len() {
            0 => return Err(Error::EmptyKey),
            bytes if bytes > key_bytes => return Err(Error::KeyTooLong { bytes, limit: key_bytes }),
            _ => {}
        }
        if value > most {
            return Err(Error::ValueTooLarge { bytes: value, limit: most });
        }
        if metadata > metadata_bytes {
            return Err(Error::MetadataTooLarge { bytes: metadata, limit: metadata_bytes });
        }
        Ok(key.len() + value + metadata)
    }
}

impl MemoryStore for InMemoryStore {
    fn save(
        &self,
        namespace: &Namespace,
        key: &str,
        value: Value,
        metadata: Metadata,
    ) -> Result<Saved, Error> {
        let bytes = self.check(key, &value, &metadata)?;
        let mut spaces = self.write();
        let (existing, entries) =
            spaces.get(namespace).map_or((None, 0), |space| (space.identity(key), space.len()));
        let is_full = |bound: Bound| existing.is_none() && entries >= bound.entries.get();
        let full = self.options.bound.filter(|bound| is_full(*bound));
        if let Some(Bound { entries, when_full: WhenFull::Refuse }) = full {
            return Err(Error::Capacity { entries: entries.get() });
        }
        let now = self.sources.clock.now();
        let (id, created_at) = existing.unwrap_or_else(|| (self.sources.ids.next(), now));
        let draft = Draft { id, key, value, metadata, created_at, updated_at: now, bytes: bytes as u64 };
        let space = spaces.entry(namespace.clone()).or_default();
        let evicted = if full.is_some() { space.evict() } else { None };
        Ok(Saved { entry: space.put(draft), is_new: existing.is_none(), evicted })
    }

    fn query(&self, namespace: &Namespace, query: &Query) -> Result<Page, Error> {
        let after = query.check()?;
        if let (Select::Key(key), true) = (&query.select, self.counts_uses()) {
            let mut spaces = self.write();
            let Some(space) = spaces.get_mut(namespace) else { return Ok(Page::default()) };
            let page = space.page(query, after.as_deref());
            if page.total > 0 {
                space.touch(key);
            }
            return Ok(page);
        }
        Ok(self.read().get(namespace).map(|space| space.page(query, after.as_deref())).unwrap_or_default())
    }

    fn summarize(&self, _: &Namespace, _: &SummaryRequest) -> Result<Summary, Error> {
        Ok(Summary(SUMMARY.into()))
    }

    fn stats(&self, namespace: Option<&Namespace>) -> Result<Stats, Error> {
        let spaces = self.read();
        let one = namespace.map(|namespace| spaces.get(namespace).map(Space::stats).unwrap_or_default());
        Ok(one.unwrap_or_else(|| {
            spaces.values().map(Space::stats).fold(Stats::default(), |sum, stats| Stats {
                namespaces: sum.namespaces + stats.namespaces,
                entries: sum.entries + stats.entries,
                bytes: sum.bytes + stats.bytes,
                evicted: sum.evicted + stats.evicted,
            })
        }))
    }

    fn clear(&self, namespace: &Namespace) -> Result<u64, Error> {
        // Dropped once the lock is released: there may be many entries.
        let space = self.write().remove(namespace);
        Ok(space.map_or(0, |space| space.len() as u64))
    }
}
