//! The in-memory store against the conformance suite, and against a store that is too simple to be wrong: it is driven
//! through the same trait, passes the same suite, and must answer everything alike, to the last id and microsecond.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use af_tools::memory::{
    Bound, Cursor, Entry, Error, InMemoryStore, Limits, MemoryStore, Metadata, Namespace, Options, Page,
    Query, Saved, Select, Sources, Stats, Summary, SummaryRequest, WhenFull, conformance, contents, matches,
    value_bytes,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A list of entries, the one used last at its end; everything is found by looking at all of it.
struct NaiveStore {
    sources: Sources,
    bound: Option<Bound>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: Vec<(Namespace, Arc<Entry>)>,
    evicted: Vec<Namespace>,
}

impl NaiveStore {
    fn new(bound: Option<Bound>, sources: Sources) -> Self {
        Self { sources, bound, state: Mutex::default() }
    }
}

impl MemoryStore for NaiveStore {
    fn save(
        &self,
        namespace: &Namespace,
        key: &str,
        value: Value,
        metadata: Metadata,
    ) -> Result<Saved, Error> {
        if key.is_empty() {
            return Err(Error::EmptyKey);
        }
        let mut state = self.state.lock().unwrap();
        let found = state.entries.iter().position(|(owner, entry)| owner == namespace && entry.key == key);
        let count = state.entries.iter().filter(|(owner, _)| owner == namespace).count();
        let mut evicted = None;
        if let (None, Some(bound)) = (found, self.bound)
            && count >= bound.entries.get()
        {
            if bound.when_full == WhenFull::Refuse {
                return Err(Error::Capacity { entries: bound.entries.get() });
            }
            let oldest = state.entries.iter().position(|(owner, _)| owner == namespace).unwrap();
            evicted = Some(state.entries.remove(oldest).1.key.clone());
            state.evicted.push(namespace.clone());
        }
        let now = self.sources.clock.now();
        let before = found.map(|at| state.entries.remove(at).1);
        let entry = Arc::new(Entry {
            id: before.as_ref().map_or_else(|| self.sources.ids.next(), |entry| entry.id),
            key: key.to_owned(),
            value,
            metadata,
            created_at: before.as_ref().map_or(now, |entry| entry.created_at),
            updated_at: now,
        });
        state.entries.push((namespace.clone(), Arc::clone(&entry)));
        Ok(Saved { entry, is_new: before.is_none(), evicted })
    }

    fn query(&self, namespace: &Namespace, query: &Query) -> Result<Page, Error> {
        let after = query.check()?;
        let mut state = self.state.lock().unwrap();
        let mut all: Vec<Arc<Entry>> = Vec::new();
        for (owner, entry) in &state.entries {
            let is_selected = match &query.select {
                Select::Key(key) => entry.key == *key,
                Select::Prefix(prefix) => entry.key.as_bytes().starts_with(prefix.as_bytes()),
            };
            if owner == namespace && is_selected && matches(&query.filter, &entry.metadata) {
                all.push(Arc::clone(entry));
            }
        }
        if let (Select::Key(key), [_]) = (&query.select, all.as_slice()) {
            let at = state.entries.iter().position(|(owner, entry)| owner == namespace && entry.key == *key);
            let used = state.entries.remove(at.unwrap());
            state.entries.push(used);
        }
        all.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        let total = all.len() as u64;
        all.retain(|entry| after.as_ref().is_none_or(|after| entry.key > *after));
        let rest = all.split_off(query.limit.min(all.len()));
        let next = if rest.is_empty() { None } else { all.last().map(|last| Cursor::after(&last.key)) };
        Ok(Page { total, entries: all, next })
    }

    fn summarize(&self, namespace: &Namespace, request: &SummaryRequest) -> Result<Summary, Error> {
        let query =
            Query { filter: request.filter.clone(), ..Query::new(Select::Prefix(request.prefix.clone())) };
        Ok(Summary(format!("{} entries", self.query(namespace, &query)?.total).into()))
    }

    fn stats(&self, namespace: Option<&Namespace>) -> Result<Stats, Error> {
        let state = self.state.lock().unwrap();
        let is_meant = |owner: &Namespace| namespace.is_none_or(|namespace| owner == namespace);
        let entries: Vec<_> = state.entries.iter().filter(|(owner, _)| is_meant(owner)).collect();
        let mut owners: Vec<_> = entries.iter().map(|(owner, _)| owner).collect();
        owners.sort();
        owners.dedup();
        let bytes =
            |entry: &Entry| entry.key.len() + value_bytes(&entry.value) + value_bytes(&entry.metadata);
        Ok(Stats {
            namespaces: owners.len() as u64,
            entries: entries.len() as u64,
            bytes: entries.iter().map(|(_, entry)| bytes(entry) as u64).sum(),
            evicted: state.evicted.iter().filter(|owner| is_meant(owner)).count() as u64,
        })
    }

    fn clear(&self, namespace: &Namespace) -> Result<u64, Error> {
        let mut state = self.state.lock().unwrap();
        let before = state.entries.len();
        state.entries.retain(|(owner, _)| owner != namespace);
        state.evicted.retain(|owner| owner != namespace);
        Ok((before - state.entries.len()) as u64)
    }
}

fn bound(entries: usize, when_full: WhenFull) -> Bound {
    Bound { entries: NonZeroUsize::new(entries).unwrap(), when_full }
}

fn in_memory(bound: Option<Bound>, sources: Sources) -> InMemoryStore {
    InMemoryStore::new(Options { bound, ..Options::default() }, sources)
}

#[test]
fn the_in_memory_store_conforms() {
    let roomy = Some(bound(300, WhenFull::DropLeastRecentlyUsed));
    for sources in [Sources::default, || Sources::seeded(1)] {
        conformance::check(&|| Arc::new(in_memory(None, sources())));
        conformance::check(&|| Arc::new(in_memory(roomy, sources())));
        conformance::check_bounded(&|bound| Arc::new(in_memory(Some(bound), sources())));
    }
}

#[test]
fn another_store_conforms() {
    conformance::check(&|| Arc::new(NaiveStore::new(None, Sources::seeded(1))));
    conformance::check_bounded(&|bound| Arc::new(NaiveStore::new(Some(bound), Sources::seeded(1))));
}

/// A store that breaks one promise: without this, a suite that checks nothing would pass as well.
struct Faulty(NaiveStore, fn(&mut Page));

impl MemoryStore for Faulty {
    fn save(
        &self,
        namespace: &Namespace,
        key: &str,
        value: Value,
        metadata: Metadata,
    ) -> Result<Saved, Error> {
        self.0.save(namespace, key, value, metadata)
    }

    fn query(&self, namespace: &Namespace, query: &Query) -> Result<Page, Error> {
        let mut page = self.0.query(namespace, query)?;
        (self.1)(&mut page);
        Ok(page)
    }

    fn summarize(&self, namespace: &Namespace, request: &SummaryRequest) -> Result<Summary, Error> {
        self.0.summarize(namespace, request)
    }

    fn stats(&self, namespace: Option<&Namespace>) -> Result<Stats, Error> {
        self.0.stats(namespace)
    }

    fn clear(&self, namespace: &Namespace) -> Result<u64, Error> {
        self.0.clear(namespace)
    }
}

#[test]
fn a_store_that_breaks_a_promise_does_not_conform() {
    let faults: [fn(&mut Page); 4] = [
        |page| page.entries.reverse(),
        |page| page.total = page.entries.len() as u64,
        |page| page.next = page.next.take().map(|_| Cursor::after("zzz")),
        |page| page.entries.truncate(3),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let open =
            || -> Arc<dyn MemoryStore> { Arc::new(Faulty(NaiveStore::new(None, Sources::seeded(1)), fault)) };
        let outcome = std::panic::catch_unwind(|| conformance::check(&open));
        assert!(outcome.is_err(), "fault {number} passes");
    }
}

#[test]
fn limits_are_kept_to_the_byte() {
    let limits = Limits { key_bytes: 4, value_bytes: 5, metadata_bytes: 9 };
    let store = InMemoryStore::new(Options { limits, bound: None }, Sources::seeded(1));
    let tenant: Namespace = "a".parse().unwrap();
    let facts = |text: &str| Metadata::from_iter([("a".to_owned(), json!(text))]);
    let save = |key: &str, value: &str, metadata| store.save(&tenant, key, json!(value), metadata);
    assert!(save("éé", "é1", facts("b")).is_ok());
    assert!(matches!(save("éé1", "", facts("")), Err(Error::KeyTooLong { bytes: 5, limit: 4 })));
    assert!(matches!(save("k", "1234", facts("")), Err(Error::ValueTooLarge { bytes: 6, limit: 5 })));
    assert!(matches!(save("k", "\n\n", facts("")), Err(Error::ValueTooLarge { bytes: 6, limit: 5 })));
    assert!(matches!(save("k", "", facts("bc")), Err(Error::MetadataTooLarge { bytes: 10, limit: 9 })));
    assert_eq!(store.stats(None).unwrap(), Stats { namespaces: 1, entries: 1, bytes: 4 + 5 + 9, evicted: 0 });
}

#[derive(Debug, Clone)]
enum Operation {
    Save(u8, String, Value, Metadata),
    Query(u8, Query),
    /// The next page of the query before, if there was one.
    Next(u8, Query),
    Clear(u8),
    Stats(Option<u8>),
}

fn key() -> impl Strategy<Value = String> {
    "[ab/é]{0,3}"
}

fn facts() -> impl Strategy<Value = Metadata> {
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!(1)),
        Just(json!(1.0)),
        Just(json!("1")),
        Just(json!([1, {"b": 2}])),
        Just(json!([1.0, {"b": 2.0}])),
    ];
    vec(("[xy]", value), 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn query() -> impl Strategy<Value = Query> {
    let select = prop_oneof![key().prop_map(Select::Key), key().prop_map(Select::Prefix)];
    let cursor = prop_oneof![
        4 => Just(None),
        2 => key().prop_map(|key| Some(Cursor::after(&key))),
        1 => "[0-9a-f]{0,4}".prop_map(|text| Some(Cursor::new(text))),
    ];
    (select, facts(), 0..5_usize, cursor).prop_map(|(select, filter, limit, cursor)| Query {
        select,
        filter,
        limit,
        cursor,
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let tenant = 0..2_u8;
    prop_oneof![
        8 => (tenant.clone(), key(), "[a-z]{0,8}", facts())
            .prop_map(|(tenant, key, value, facts)| Operation::Save(tenant, key, json!(value), facts)),
        6 => (tenant.clone(), query()).prop_map(|(tenant, query)| Operation::Query(tenant, query)),
        2 => (tenant.clone(), query()).prop_map(|(tenant, query)| Operation::Next(tenant, query)),
        1 => tenant.clone().prop_map(Operation::Clear),
        2 => prop::option::of(tenant).prop_map(Operation::Stats),
    ]
}

/// What a store answers, as text.
fn perform(store: &dyn MemoryStore, operation: &Operation, last: &mut Option<Cursor>) -> String {
    let tenant = |number: &u8| -> Namespace { format!("tenant-{number}").parse().unwrap() };
    let (number, query) = match operation {
        Operation::Save(number, key, value, facts) => {
            return format!("{:?}", store.save(&tenant(number), key, value.clone(), facts.clone()));
        }
        Operation::Clear(number) => return format!("{:?}", store.clear(&tenant(number))),
        Operation::Stats(number) => {
            return format!("{:?}", store.stats(number.as_ref().map(tenant).as_ref()));
        }
        Operation::Query(number, query) => (number, query.clone()),
        Operation::Next(number, query) => (number, Query { cursor: last.take(), ..query.clone() }),
    };
    let page = store.query(&tenant(number), &query);
    *last = page.as_ref().ok().and_then(|page| page.next.clone());
    format!("{page:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn it_answers_as_the_naive_store_does(
        operations in vec(operation(), 1..80),
        entries in prop::option::of(1..5_usize),
        refuses in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let when_full = if refuses { WhenFull::Refuse } else { WhenFull::DropLeastRecentlyUsed };
        let bound = entries.map(|entries| bound(entries, when_full));
        let store = in_memory(bound, Sources::seeded(seed));
        let naive = NaiveStore::new(bound, Sources::seeded(seed));
        let again = in_memory(bound, Sources::seeded(seed));
        let (mut last, mut naive_last, mut again_last) = (None, None, None);
        for operation in &operations {
            let answer = perform(&store, operation, &mut last);
            prop_assert_eq!(&answer, &perform(&naive, operation, &mut naive_last), "{:?}", operation);
            prop_assert_eq!(&answer, &perform(&again, operation, &mut again_last), "the second run: {:?}", operation);
        }
        for number in 0..2 {
            let tenant: Namespace = format!("tenant-{number}").parse().unwrap();
            prop_assert_eq!(contents(&store, &tenant).unwrap(), contents(&naive, &tenant).unwrap());
        }
    }
}
