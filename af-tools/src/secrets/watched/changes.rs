//! What subscribers hear.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::{Shared, Value};
use crate::secrets::Key;

/// How a secret has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It has another value.
    Changed,
    /// It cannot be had any more; the last good value is kept.
    Stale,
    /// It can be had again, and is what it was.
    Recovered,
}

/// A change of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which one.
    pub key: Key,
    /// How.
    pub kind: ChangeKind,
    /// What it is now.
    pub value: Value,
}

/// Hears of changes. Of several between two looks it hears the last: what counts is what a secret is now.
pub struct Subscription {
    shared: Arc<Shared>,
    seen: BTreeMap<Key, Seen>,
}

/// What was last seen of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    generation: u64,
    is_stale: bool,
}

impl From<&Value> for Seen {
    fn from(value: &Value) -> Self {
        Self { generation: value.generation, is_stale: value.is_stale }
    }
}

impl Subscription {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let seen = shared.lock().iter().map(|(key, value)| (key.clone(), Seen::from(value))).collect();
        Self { shared, seen }
    }

    /// What has changed since the last time, in the order of the keys. Waits for it, but not longer than `timeout`: then
    /// it is nothing.
    pub fn next(&mut self, timeout: Duration) -> Vec<Change> {
        let values = self.shared.lock();
        let is_seen = |values: &mut BTreeMap<Key, Value>| {
            values.iter().all(|(key, value)| self.seen.get(key) == Some(&Seen::from(value)))
        };
        let waited = self.shared.changed.wait_timeout_while(values, timeout, is_seen);
        let (values, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut changes = Vec::new();
        for (key, value) in values.iter() {
            let now = Seen::from(value);
            let before = self.seen.insert(key.clone(), now).unwrap_or(now);
            let kind = match (before.generation == now.generation, before.is_stale, now.is_stale) {
                (false, _, false) => ChangeKind::Changed,
                (_, false, true) => ChangeKind::Stale,
                (true, true, false) => ChangeKind::Recovered,
                (false, true, true) => ChangeKind::Changed,
                (true, false, false) | (true, true, true) => continue,
            };
            changes.push(Change { key: key.clone(), kind, value: value.clone() });
        }
        changes
    }
}
