//! One namespace: a hash map for what is asked by its key, and two indexes, by key and by last use.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Included, Unbounded};
use std::sync::Arc;

use af_core::timestamp::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::memory::{Cursor, Entry, Metadata, Page, Query, Select, Stats, matches};

/// Whatever is in one of the three is in the others.
#[derive(Default)]
pub(super) struct Space {
    slots: HashMap<Arc<str>, Slot>,
    order: BTreeSet<Arc<str>>,
    uses: BTreeMap<u64, Arc<str>>,
    next_use: u64,
    bytes: u64,
    evicted: u64,
}

struct Slot {
    entry: Arc<Entry>,
    bytes: u64,
    last_use: u64,
}

/// An entry to be.
pub(super) struct Draft<'a> {
    pub(super) id: Uuid,
    pub(super) key: &'a str,
    pub(super) value: Value,
    pub(super) metadata: Metadata,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) bytes: u64,
}

impl Space {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// What an entry keeps for life: its id and when it was created.
    pub(super) fn identity(&self, key: &str) -> Option<(Uuid, Timestamp)> {
        self.slots.get(key).map(|slot| (slot.entry.id, slot.entry.created_at))
    }

    /// Puts an entry in the place of that with the same key, which counts as a use.
    pub(super) fn put(&mut self, draft: Draft<'_>) -> Arc<Entry> {
        let Draft { id, key, value, metadata, created_at, updated_at, bytes } = draft;
        let entry = Arc::new(Entry { id, key: key.to_owned(), value, metadata, created_at, updated_at });
        self.remove(key);
        let key: Arc<str> = Arc::from(key);
        let last_use = self.next_use;
        self.next_use += 1;
        self.bytes += bytes;
        self.uses.insert(last_use, Arc::clone(&key));
        self.order.insert(Arc::clone(&key));
        self.slots.insert(key, Slot { entry: Arc::clone(&entry), bytes, last_use });
        entry
    }

    /// Notes that an entry was used just now.
    pub(super) fn touch(&mut self, key: &str) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        if let Some(key) = self.uses.remove(&slot.last_use) {
            slot.last_use = self.next_use;
            self.next_use += 1;
            self.uses.insert(slot.last_use, key);
        }
    }

    /// Drops what was not used for longest, and tells its key.
    pub(super) fn evict(&mut self) -> Option<String> {
        let key = self.uses.first_key_value().map(|(_, key)| Arc::clone(key))?;
        self.remove(&key);
        self.evicted += 1;
        Some(key.as_ref().to_owned())
    }

    fn remove(&mut self, key: &str) {
        if let Some(slot) = self.slots.remove(key) {
            self.bytes -= slot.bytes;
            self.uses.remove(&slot.last_use);
            self.order.remove(key);
        }
    }

    /// The page of a query that begins after a key. Counts all that match, so it looks at all that are selected.
    pub(super) fn page(&self, query: &Query, after: Option<&str>) -> Page {
        let mut page = Page::default();
        let mut has_more = false;
        for entry in self.selected(&query.select).filter(|entry| matches(&query.filter, &entry.metadata)) {
            page.total += 1;
            if after.is_some_and(|after| entry.key.as_str() <= after) {
                continue;
            }
            if page.entries.len() < query.limit {
                page.entries.push(Arc::clone(entry));
            } else {
                has_more = true;
            }
        }
        page.next = page.entries.last().filter(|_| has_more).map(|last| Cursor::after(&last.key));
        page
    }

    /// In the order of keys.
    fn selected<'a>(&'a self, select: &'a Select) -> Box<dyn Iterator<Item = &'a Arc<Entry>> + 'a> {
        match select {
            Select::Key(key) => Box::new(self.slots.get(key.as_str()).map(|slot| &slot.entry).into_iter()),
            Select::Prefix(prefix) => {
                let from = self.order.range::<str, _>((Included(prefix.as_str()), Unbounded));
                let keys = from.take_while(move |key| key.starts_with(prefix.as_str()));
                Box::new(keys.filter_map(|key| self.slots.get(key)).map(|slot| &slot.entry))
            }
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let namespaces = u64::from(!self.slots.is_empty());
        Stats { namespaces, entries: self.len() as u64, bytes: self.bytes, evicted: self.evicted }
    }
}
