//! Many threads on one in-memory store. Small enough for miri and ThreadSanitizer, which docs/memory.md says how to run.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use af_tools::memory::{
    Bound, InMemoryStore, MemoryStore, Metadata, Namespace, Options, Query, Select, Sources, SummaryRequest,
    WhenFull, contents,
};
use serde_json::json;

/// miri takes a thousand times as long.
const ROUNDS: usize = if cfg!(miri) { 6 } else { 2_000 };
const THREADS: usize = if cfg!(miri) { 3 } else { 16 };
/// Each is looked through after each save.
const ENTRIES: usize = if cfg!(miri) { 6 } else { 200 };
const ROOM: usize = 8;

fn store(bound: Option<Bound>) -> Arc<dyn MemoryStore> {
    Arc::new(InMemoryStore::new(Options { bound, ..Options::default() }, Sources::seeded(7)))
}

/// Has each thread do its work, by number.
fn together(work: impl Fn(usize) + Send + Copy) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn nothing_is_lost_and_no_id_given_twice() {
    let store = &store(None);
    let shared: &Namespace = &"shared".parse().unwrap();
    together(|thread| {
        for round in 0..ENTRIES {
            let saved =
                store.save(shared, &format!("{thread}/{round}"), json!(round), Metadata::new()).unwrap();
            assert!(saved.is_new);
            let page =
                store.query(shared, &Query { limit: 1, ..Query::new(Select::Prefix(format!("{thread}/"))) });
            let page = page.unwrap();
            assert!(page.entries[0].key.starts_with(&format!("{thread}/")));
            assert_eq!(page.total, round as u64 + 1, "a thread reads what it has written");
        }
    });
    let entries = contents(store.as_ref(), shared).unwrap();
    assert_eq!(entries.len(), THREADS * ENTRIES);
    assert!(entries.is_sorted_by(|a, b| a.key < b.key));
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<HashSet<_>>().len(), entries.len());
    assert_eq!(store.stats(Some(shared)).unwrap().entries, entries.len() as u64);
}

#[test]
fn a_bound_holds_whoever_saves() {
    let bound =
        Bound { entries: NonZeroUsize::new(ROOM).unwrap(), when_full: WhenFull::DropLeastRecentlyUsed };
    let store = &store(Some(bound));
    let shared: &Namespace = &"shared".parse().unwrap();
    together(|thread| {
        for round in 0..ROUNDS {
            let key = format!("{}", (thread * 7 + round) % (2 * ROOM));
            store.save(shared, &key, json!({"thread": thread, "round": round}), Metadata::new()).unwrap();
            let page = store.query(shared, &Query::new(Select::Key(key))).unwrap();
            assert!(page.total <= 1);
            let all = store.query(shared, &Query::new(Select::all())).unwrap();
            assert!(all.entries.len() <= ROOM && all.total == all.entries.len() as u64);
            assert!(all.entries.is_sorted_by(|a, b| a.key < b.key));
            assert!(store.stats(None).unwrap().entries <= ROOM as u64);
        }
    });
    let stats = store.stats(Some(shared)).unwrap();
    let entries = contents(store.as_ref(), shared).unwrap();
    let bytes = entries.iter().map(|entry| entry.key.len() + entry.value.to_string().len() + "{}".len());
    assert_eq!((stats.entries, stats.bytes), (ROOM as u64, bytes.sum::<usize>() as u64));
    assert!(stats.evicted > 0);
}

#[test]
fn clearing_one_tenant_disturbs_no_other() {
    let store = &store(None);
    together(|thread| {
        let own: Namespace = format!("tenant-{thread}").parse().unwrap();
        for round in 0..ROUNDS {
            for key in ["a", "b"] {
                store.save(&own, key, json!(round), Metadata::new()).unwrap();
            }
            store.summarize(&own, &SummaryRequest::default()).unwrap();
            assert_eq!(store.clear(&own).unwrap(), 2);
            store.save(&own, "left", json!(round), Metadata::new()).unwrap();
            assert_eq!(store.clear(&own).unwrap(), 1);
        }
        store.save(&own, "left", json!(thread), Metadata::new()).unwrap();
    });
    let stats = store.stats(None).unwrap();
    assert_eq!((stats.namespaces, stats.entries), (THREADS as u64, THREADS as u64));
}

#[test]
fn updates_of_one_entry_are_seen_in_one_order() {
    let store = &store(None);
    let shared: &Namespace = &"shared".parse().unwrap();
    let first = store.save(shared, "key", json!(null), Metadata::new()).unwrap().entry;
    let first = &first;
    together(|thread| {
        let mut last = first.updated_at;
        for round in 0..ROUNDS {
            if thread % 2 == 0 {
                store.save(shared, "key", json!(round), Metadata::new()).unwrap();
            }
            let found = &store.query(shared, &Query::new(Select::Key("key".to_owned()))).unwrap().entries[0];
            assert_eq!((found.id, found.created_at), (first.id, first.created_at));
            assert!(found.updated_at >= last, "time goes back");
            last = found.updated_at;
        }
    });
}
