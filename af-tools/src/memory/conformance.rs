//! What every [`MemoryStore`] has to pass, for the tests of whoever writes one.
//!
//! ```
//! use std::sync::Arc;
//! use af_tools::memory::{InMemoryStore, Options, Sources, conformance};
//!
//! conformance::check(&|| Arc::new(InMemoryStore::new(Options::default(), Sources::default())));
//! ```

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Bound, Cursor, Entry, Error, MAX_LIMIT, MemoryStore, Metadata, Namespace, Page, Query, Saved, Select,
    Stats, SummaryRequest, WhenFull, contents,
};

/// Opens an empty store, apart from all others, that takes at least 300 entries for each of several tenants.
pub type Open<'a> = &'a dyn Fn() -> Arc<dyn MemoryStore>;

/// Opens an empty store with such a bound on each namespace.
pub type OpenBounded<'a> = &'a dyn Fn(Bound) -> Arc<dyn MemoryStore>;

/// Holds a store against what is promised of all.
///
/// # Panics
///
/// When it does not keep a promise.
pub fn check(open: Open<'_>) {
    let checks: [fn(&dyn MemoryStore); 11] = [
        an_empty_store_answers,
        what_is_saved_is_found,
        an_update_keeps_identity,
        entries_come_in_the_order_of_their_keys_bytes,
        prefixes_and_filters_select,
        pages_follow_each_other,
        a_cursor_survives_changes,
        what_makes_no_sense_is_refused,
        tenants_do_not_see_each_other,
        only_saving_and_clearing_change_anything,
        threads_share_a_store,
    ];
    for check in checks {
        check(open().as_ref());
    }
}

/// Holds a bounded store against what is promised of those.
///
/// # Panics
///
/// When it does not keep a promise.
pub fn check_bounded(open: OpenBounded<'_>) {
    let bound =
        |entries, when_full| Bound { entries: NonZeroUsize::new(entries).expect("not zero"), when_full };
    the_least_recently_used_goes(open(bound(3, WhenFull::DropLeastRecentlyUsed)).as_ref());
    each_tenant_has_its_own_room(open(bound(1, WhenFull::DropLeastRecentlyUsed)).as_ref());
    a_full_store_refuses(open(bound(2, WhenFull::Refuse)).as_ref());
}

fn tenant(name: &str) -> Namespace {
    name.parse().expect("a name")
}

fn metadata(value: Value) -> Metadata {
    match value {
        Value::Object(map) => map,
        other => panic!("metadata are an object, not {other}"),
    }
}

fn save(store: &dyn MemoryStore, key: &str, value: Value) -> Saved {
    store.save(&tenant("a"), key, value, Metadata::new()).expect("a save")
}

fn ask(store: &dyn MemoryStore, query: &Query) -> Page {
    store.query(&tenant("a"), query).expect("an answer")
}

fn by_key(key: &str) -> Query {
    Query::new(Select::Key(key.to_owned()))
}

fn by_prefix(prefix: &str) -> Query {
    Query::new(Select::Prefix(prefix.to_owned()))
}

fn keys(entries: &[Arc<Entry>]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

fn an_empty_store_answers(store: &dyn MemoryStore) {
    assert_eq!(ask(store, &by_key("x")), Page::default());
    assert_eq!(ask(store, &by_prefix("")), Page::default());
    assert_eq!(store.stats(None).expect("stats"), Stats::default());
    assert_eq!(store.stats(Some(&tenant("a"))).expect("stats"), Stats::default());
    assert_eq!(store.clear(&tenant("a")).expect("cleared"), 0);
    store.summarize(&tenant("a"), &SummaryRequest::default()).expect("a summary");
}

fn what_is_saved_is_found(store: &dyn MemoryStore) {
    for value in
        [json!(null), json!(true), json!(-1.5), json!("Zoë 🙂\n"), json!([1, [2]]), json!({"a": {"b": []}})]
    {
        let facts = metadata(json!({"source": "test", "deep": {"er": [1, null]}}));
        let saved = store.save(&tenant("a"), "key", value.clone(), facts.clone()).expect("a save");
        assert_eq!((saved.entry.key.as_str(), &saved.entry.value), ("key", &value));
        let found = ask(store, &by_key("key"));
        assert_eq!((found.total, found.entries.len(), &found.next), (1, 1, &None));
        assert_eq!((&found.entries[0], &found.entries[0].metadata), (&saved.entry, &facts));
    }
    assert_eq!(ask(store, &by_key("ke")), Page::default(), "a key is no prefix");
    assert_eq!(store.stats(None).expect("stats").entries, 1);
}

fn an_update_keeps_identity(store: &dyn MemoryStore) {
    let facts = metadata(json!({"version": 1}));
    let first = store.save(&tenant("a"), "key", json!(1), facts).expect("a save");
    let other = save(store, "other", json!(1));
    assert!(first.is_new && other.is_new && first.entry.id != other.entry.id);
    assert_eq!(first.entry.created_at, first.entry.updated_at);
    // For stores whose clock is the world's.
    thread::sleep(Duration::from_millis(2));
    let second = save(store, "key", json!({"longer": "than before"}));
    assert!(!second.is_new);
    assert_eq!((second.entry.id, second.entry.created_at), (first.entry.id, first.entry.created_at));
    assert!(second.entry.updated_at > first.entry.updated_at, "updated_at stands still");
    assert!(second.entry.metadata.is_empty(), "metadata of the value before");
    assert_eq!(ask(store, &by_prefix("")).entries, [second.entry, other.entry]);
}

fn entries_come_in_the_order_of_their_keys_bytes(store: &dyn MemoryStore) {
    let mut expected = ["b", "a/2", "a/10", "a", "B", "ä", "a\u{ffff}", "a🙂", "a b", "a!"];
    for key in expected {
        save(store, key, json!(key));
    }
    expected.sort_unstable_by_key(|key| key.as_bytes());
    assert_eq!(keys(&ask(store, &by_prefix("")).entries), expected);
}

fn prefixes_and_filters_select(store: &dyn MemoryStore) {
    for (key, facts) in [
        ("user/1", json!({"kind": "user", "level": 1})),
        ("user/2", json!({"kind": "user", "level": 2})),
        ("user", json!({"kind": "index"})),
        ("users/3", json!({"kind": "user", "level": 1.0, "nested": {"a": [1, 2]}})),
    ] {
        store.save(&tenant("a"), key, json!(0), metadata(facts)).expect("a save");
    }
    let found = |select: Select, filter: Value| {
        let page = ask(store, &Query { filter: metadata(filter), ..Query::new(select) });
        assert_eq!(page.total, page.entries.len() as u64);
        page.entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>().join(" ")
    };
    let prefix = |text: &str| Select::Prefix(text.to_owned());
    let key = |text: &str| Select::Key(text.to_owned());
    assert_eq!(found(prefix("user/"), json!({})), "user/1 user/2");
    assert_eq!(found(prefix("user"), json!({})), "user user/1 user/2 users/3");
    assert_eq!(found(prefix("v"), json!({})), "");
    assert_eq!(found(prefix(""), json!({"kind": "user"})), "user/1 user/2 users/3");
    assert_eq!(
        found(prefix(""), json!({"kind": "user", "level": 1})),
        "user/1 users/3",
        "1 is 1.0, all pairs count"
    );
    assert_eq!(found(prefix(""), json!({"nested": {"a": [1.0, 2]}})), "users/3");
    assert_eq!(found(prefix(""), json!({"nested": {}})), "", "objects are compared whole");
    assert_eq!(found(prefix(""), json!({"absent": null})), "", "null is not nothing");
    assert_eq!(found(key("user/1"), json!({"level": 1})), "user/1");
    assert_eq!(found(key("user/1"), json!({"level": 2})), "");
}

fn pages_follow_each_other(store: &dyn MemoryStore) {
    for number in 0..250 {
        let facts = metadata(json!({"even": number % 2 == 0}));
        store.save(&tenant("a"), &format!("k{number:03}"), json!(number), facts).expect("a save");
    }
    for (limit, pages) in [(1, 125), (7, 18), (124, 2), (125, 1), (MAX_LIMIT, 1)] {
        let filter = metadata(json!({"even": true}));
        let mut query = Query { limit, filter, ..by_prefix("k") };
        let mut found = Vec::new();
        for number in 1.. {
            let page = ask(store, &query);
            assert_eq!(page.total, 125, "the total is that of all pages");
            assert!(page.entries.len() <= limit && !page.entries.is_empty());
            found.extend(page.entries);
            assert_eq!(page.next.is_none(), number == pages, "page {number} of {pages} with limit {limit}");
            match page.next {
                Some(cursor) => query.cursor = Some(cursor),
                None => break,
            }
        }
        let expected: Vec<String> = (0..250).step_by(2).map(|number| format!("k{number:03}")).collect();
        assert_eq!(keys(&found), expected);
    }
}

fn a_cursor_survives_changes(store: &dyn MemoryStore) {
    for key in ["a", "c", "e", "g"] {
        save(store, key, json!(0));
    }
    let first = ask(store, &Query { limit: 2, ..by_prefix("") });
    assert_eq!(keys(&first.entries), ["a", "c"]);
    // What is added before it is passed over, what is added behind it comes, and its own entry may change.
    for key in ["b", "d", "c", "h"] {
        save(store, key, json!(1));
    }
    let rest = ask(store, &Query { cursor: first.next.clone(), ..by_prefix("") });
    assert_eq!((keys(&rest.entries), rest.total), (vec!["d", "e", "g", "h"], 7));
    // Its own entry may even be gone.
    store.clear(&tenant("a")).expect("cleared");
    save(store, "b", json!(2));
    save(store, "f", json!(2));
    assert_eq!(keys(&ask(store, &Query { cursor: first.next, ..by_prefix("") }).entries), ["f"]);
}

fn what_makes_no_sense_is_refused(store: &dyn MemoryStore) {
    let a = tenant("a");
    assert!(matches!(store.save(&a, "", json!(1), Metadata::new()), Err(Error::EmptyKey)));
    assert!(matches!(store.query(&a, &by_key("")), Err(Error::EmptyKey)));
    for limit in [0, MAX_LIMIT + 1] {
        let refused = store.query(&a, &Query { limit, ..by_prefix("") });
        assert!(matches!(refused, Err(Error::Limit(given)) if given == limit), "{refused:?}");
    }
    let made_up = Query { cursor: Some(Cursor::new("no such cursor")), ..by_prefix("") };
    assert!(matches!(store.query(&a, &made_up), Err(Error::Cursor)));
    assert_eq!(store.stats(None).expect("stats"), Stats::default(), "what is refused leaves nothing");
}

fn tenants_do_not_see_each_other(store: &dyn MemoryStore) {
    let (a, b, prefix) = (tenant("a"), tenant("b"), tenant("a/"));
    for (namespace, value) in [(&a, 1), (&b, 2), (&prefix, 3)] {
        store.save(namespace, "key", json!(value), Metadata::new()).expect("a save");
    }
    let value = |namespace| {
        let found = contents(store, namespace).expect("contents");
        found.iter().map(|entry| entry.value.clone()).collect::<Vec<_>>()
    };
    assert_eq!((value(&a), value(&b), value(&prefix)), (vec![json!(1)], vec![json!(2)], vec![json!(3)]));
    assert_eq!(store.stats(None).expect("stats").namespaces, 3);
    assert_eq!(store.clear(&a).expect("cleared"), 1);
    assert_eq!((value(&a), value(&b), value(&prefix)), (vec![], vec![json!(2)], vec![json!(3)]));
    assert_eq!(store.stats(Some(&a)).expect("stats"), Stats::default());
    let all = store.stats(None).expect("stats");
    let one = store.stats(Some(&b)).expect("stats");
    assert_eq!((all.namespaces, all.entries, one.namespaces, one.entries), (2, 2, 1, 1));
    assert!(one.bytes > 0 && all.bytes > one.bytes);
    let again = store.save(&a, "key", json!(4), Metadata::new()).expect("a save");
    assert!(again.is_new, "what was cleared is forgotten");
}

fn only_saving_and_clearing_change_anything(store: &dyn MemoryStore) {
    save(store, "key", json!(1));
    let state = || {
        let entries = contents(store, &tenant("a")).expect("contents");
        (entries, contents(store, &tenant("b")).expect("contents"), store.stats(None).expect("stats"))
    };
    let before = state();
    ask(store, &by_key("key"));
    ask(store, &by_key("absent"));
    store.query(&tenant("b"), &by_prefix("")).expect("an answer");
    store.summarize(&tenant("a"), &SummaryRequest::default()).expect("a summary");
    store
        .summarize(&tenant("b"), &SummaryRequest { prefix: "k".to_owned(), ..Default::default() })
        .expect("a summary");
    store.stats(Some(&tenant("b"))).expect("stats");
    store.clear(&tenant("b")).expect("cleared");
    assert_eq!(state(), before);
}

fn threads_share_a_store(store: &dyn MemoryStore) {
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                let own = tenant(&format!("thread-{thread}"));
                for number in 0..25 {
                    store
                        .save(&own, &format!("{number:02}"), json!(number), Metadata::new())
                        .expect("a save");
                    save(store, "shared", json!({"thread": thread, "number": number}));
                    assert_eq!(
                        contents(store, &own).expect("contents").len(),
                        number + 1,
                        "reads its own writes"
                    );
                }
            });
        }
    });
    let stats = store.stats(None).expect("stats");
    assert_eq!((stats.namespaces, stats.entries), (5, 101));
    let shared = &ask(store, &by_key("shared")).entries[0];
    assert_eq!(shared.value["number"], json!(24), "the last write of one of them");
}

fn the_least_recently_used_goes(store: &dyn MemoryStore) {
    for key in ["a", "b", "c"] {
        assert_eq!(save(store, key, json!(0)).evicted, None);
    }
    // Found by its key, a is used; listed, counted and summed up, b and c are not.
    ask(store, &by_key("a"));
    ask(store, &by_prefix("b"));
    ask(store, &Query { filter: metadata(json!({"no": "match"})), ..by_key("b") });
    store.summarize(&tenant("a"), &SummaryRequest::default()).expect("a summary");
    assert_eq!(save(store, "d", json!(0)).evicted.as_deref(), Some("b"));
    // An update is a use, and needs no room.
    assert_eq!(save(store, "c", json!(1)).evicted, None);
    assert_eq!(save(store, "e", json!(0)).evicted.as_deref(), Some("a"));
    assert_eq!(keys(&contents(store, &tenant("a")).expect("contents")), ["c", "d", "e"]);
    let stats = store.stats(Some(&tenant("a"))).expect("stats");
    assert_eq!((stats.entries, stats.evicted), (3, 2));
    assert!(save(store, "b", json!(0)).is_new, "what was dropped is forgotten");
}

fn each_tenant_has_its_own_room(store: &dyn MemoryStore) {
    for name in ["a", "b"] {
        let saved = store.save(&tenant(name), "key", json!(name), Metadata::new()).expect("a save");
        assert_eq!(saved.evicted, None);
    }
    assert_eq!(save(store, "other", json!(0)).evicted.as_deref(), Some("key"));
    assert_eq!(keys(&contents(store, &tenant("b")).expect("contents")), ["key"]);
}

fn a_full_store_refuses(store: &dyn MemoryStore) {
    save(store, "a", json!(0));
    save(store, "b", json!(0));
    let before = contents(store, &tenant("a")).expect("contents");
    let refused = store.save(&tenant("a"), "c", json!(0), Metadata::new());
    assert!(matches!(refused, Err(Error::Capacity { entries: 2 })), "{refused:?}");
    assert_eq!(contents(store, &tenant("a")).expect("contents"), before);
    assert!(!save(store, "a", json!(1)).is_new, "what is there can be updated");
    store.clear(&tenant("a")).expect("cleared");
    save(store, "c", json!(0));
    assert_eq!(store.stats(None).expect("stats").evicted, 0);
}
