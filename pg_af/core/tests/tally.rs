//! The tally and the walk agree: what the one calls intact has no findings in the other, and the reports are the same.

mod rows;

use af_core::chain::{ChainReport, Entry, Status, Unreadable, Verifier, View};
use af_core::tally::{Count, Key, MAX_CHAINS, Tallied, Tallies};
use proptest::prelude::*;
use rows::{Row, chain};
use uuid::Uuid;

const TENANT: u128 = 1;

fn key() -> Key {
    Key::new(b"sixteen secrets!")
}

fn tally<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Tallies {
    let mut count = Count::new(key());
    for row in rows {
        count.add(&row.entry());
    }
    count.finish()
}

/// The report on the only chain, if it is intact.
fn report(tallies: &Tallies) -> Option<ChainReport> {
    match &tallies.chains(&key()).unwrap()[..] {
        [] => None,
        [chain] => chain.intact.clone(),
        more => panic!("{more:?}"),
    }
}

/// What the walk says of the entries, ordered by tenant and position as the database orders them.
fn walk_all(mut rows: Vec<Row>) -> Vec<ChainReport> {
    rows.sort_by_key(|row| (row.tenant, row.seq.is_none(), row.seq));
    let mut verifier = Verifier::new(View::Whole);
    let mut reports: Vec<_> =
        rows.iter().filter_map(|row| verifier.push(&row.entry(), &mut |_| ())).collect();
    reports.extend(verifier.finish(&mut |_| ()));
    reports
}

fn walk(rows: Vec<Row>) -> ChainReport {
    walk_all(rows).pop().unwrap()
}

/// What to do to which entry.
#[derive(Debug, Clone)]
enum Tampering {
    Details,
    Hash,
    Link,
    Position(Option<i64>),
    Version,
    Remove,
    Double,
    Swap(prop::sample::Index),
    /// Sealed again, on the entry before.
    Reseal,
    /// Content and hash of another entry's, at this position.
    Graft(prop::sample::Index),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        Just(Tampering::Details),
        Just(Tampering::Hash),
        Just(Tampering::Link),
        prop_oneof![Just(None), (-1..12_i64).prop_map(Some)].prop_map(Tampering::Position),
        Just(Tampering::Version),
        Just(Tampering::Remove),
        Just(Tampering::Double),
        any::<prop::sample::Index>().prop_map(Tampering::Swap),
        Just(Tampering::Reseal),
        any::<prop::sample::Index>().prop_map(Tampering::Graft),
    ]
}

fn tamper(rows: &mut Vec<Row>, at: prop::sample::Index, tampering: &Tampering) {
    if rows.is_empty() {
        return;
    }
    let at = at.index(rows.len());
    match tampering {
        Tampering::Details => rows[at].details = "{}".into(),
        Tampering::Hash => rows[at].hash = Some(vec![7; 32]),
        Tampering::Link => rows[at].prev_hash = rows[at].prev_hash.is_none().then(|| vec![0; 32]),
        Tampering::Position(seq) => rows[at].seq = *seq,
        Tampering::Version => rows[at].version = 2,
        Tampering::Remove => drop(rows.remove(at)),
        Tampering::Double => rows.push(rows[at].clone()),
        Tampering::Swap(other) => {
            let other = other.index(rows.len());
            (rows[at].seq, rows[other].seq) = (rows[other].seq, rows[at].seq);
        }
        Tampering::Reseal => {
            if rows[at].seq.is_some() {
                let before = at.checked_sub(1).and_then(|before| rows[before].hash.clone());
                rows[at].version = 1;
                rows[at].details = "{\"resealed\":true}".into();
                rows[at].seal(before.and_then(|hash| af_core::digest::Digest::from_slice(&hash)));
            }
        }
        Tampering::Graft(other) => {
            let other = rows[other.index(rows.len())].clone();
            rows[at] = Row { seq: rows[at].seq, ..other };
        }
    }
}

#[test]
fn an_intact_chain_is_reported_as_the_walk_does() {
    let rows = chain(TENANT, 5);
    assert_eq!(report(&tally(&rows)), Some(walk(rows)));
    assert_eq!(report(&tally(&[])), None, "nothing is no intact chain");
}

#[test]
fn bytes_of_another_length_or_kind_are_no_tally() {
    let tallies = tally(&[chain(TENANT, 3), chain(2, 1)].concat());
    let bytes = tallies.to_bytes();
    assert_eq!(Tallies::from_bytes(&bytes), Some(tallies));
    assert_eq!(Tallies::from_bytes(&[]), None);
    assert_eq!(Tallies::from_bytes(&bytes[1..]), None);
    assert_eq!(Tallies::from_bytes(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(Tallies::from_bytes(&[&bytes[..bytes.len() - 1], &[2]].concat()), None);
    assert_eq!(Tallies::from_bytes(&[&[4], &bytes[1..]].concat()), None);
}

/// An entry of which nothing is known but whose it is.
fn empty_entry(tenant_id: Option<Uuid>) -> Entry<'static> {
    let record = Err(Unreadable::NullColumn("action"));
    Entry { tenant_id, seq: None, id: None, prev_hash: None, hash: None, record }
}

#[test]
fn entries_in_nobodys_chain_are_a_chain_to_be_walked() {
    let mut count = Count::new(key());
    count.add(&empty_entry(None));
    let rows = chain(TENANT, 2);
    rows.iter().for_each(|row| count.add(&row.entry()));
    let tallies = count.finish();
    assert_eq!(Tallies::from_bytes(&tallies.to_bytes()).as_ref(), Some(&tallies));
    let chains = tallies.chains(&key()).unwrap();
    let intact = Tallied { tenant_id: Some(Uuid::from_u128(TENANT)), intact: Some(walk(rows)) };
    assert_eq!(chains, [intact, Tallied { tenant_id: None, intact: None }]);
}

#[test]
fn too_many_chains_are_all_to_be_walked() {
    let tenants = |count: usize| (0..count).map(|tenant| Some(Uuid::from_u128(tenant as u128)));
    let tallies = |count: usize| {
        let mut counting = Count::new(key());
        tenants(count).for_each(|tenant| counting.add(&empty_entry(tenant)));
        counting.finish()
    };
    let most = tallies(MAX_CHAINS);
    assert_eq!(most.chains(&key()).map(|chains| chains.len()), Some(MAX_CHAINS));
    let too_many = tallies(MAX_CHAINS + 2);
    assert_eq!(too_many.chains(&key()), None);
    assert_eq!(too_many.to_bytes().len(), 1);
    let mut merged = tally(&chain(u128::MAX, 1));
    merged.merge(&most);
    assert_eq!(merged.chains(&key()), None);
    let mut merged = tally(&chain(TENANT, 1));
    merged.merge(&Tallies::from_bytes(&too_many.to_bytes()).unwrap());
    assert_eq!(merged.chains(&key()), None);
}

#[test]
fn another_key_gives_another_sum() {
    let rows = chain(TENANT, 2);
    let key = Key::new(b"another sixteen!");
    let mut count = Count::new(key);
    rows.iter().for_each(|row| count.add(&row.entry()));
    let other = count.finish();
    assert_ne!(other, tally(&rows));
    assert_eq!(report(&other), None);
    assert!(other.chains(&key).unwrap()[0].intact.is_some());
}

proptest! {
    /// Entries in any order, counted in any number of parts: the same.
    #[test]
    fn order_and_parts_do_not_matter(rows in Just(chain(TENANT, 9)).prop_shuffle(), cuts in prop::collection::vec(0..9_usize, 0..4)) {
        let mut cuts = [&[0, 9], &cuts[..]].concat();
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|cut| tally(&rows[cut[0]..cut[1]]));
        let sum = parts.fold(Tallies::default(), |mut sum, part| {
            sum.merge(&Tallies::from_bytes(&part.to_bytes()).unwrap());
            sum
        });
        prop_assert_eq!(report(&sum), Some(walk(chain(TENANT, 9))));
    }

    /// Several chains, mixed, tampered with or not: each comes out as by itself.
    #[test]
    fn chains_do_not_mix(
        lengths in prop::collection::vec(1..6_i64, 1..5),
        tamperings in prop::collection::vec((any::<prop::sample::Index>(), tampering()), 0..3),
        seed in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let mut rows: Vec<Row> = (1_u128..).zip(lengths).flat_map(|(tenant, length)| chain(tenant, length)).collect();
        for (at, what) in &tamperings {
            tamper(&mut rows, *at, what);
        }
        let walked = walk_all(rows.clone());
        for (at, with) in seed.iter().enumerate() {
            if let Some(last) = rows.len().checked_sub(1) {
                let with = with.index(rows.len());
                rows.swap(at.min(last), with);
            }
        }
        let chains = tally(&rows).chains(&key()).unwrap();
        prop_assert_eq!(chains.len(), walked.len());
        for (chain, walked) in chains.into_iter().zip(walked) {
            prop_assert_eq!(chain.tenant_id, walked.tenant_id);
            prop_assert_eq!(chain.intact, (walked.status() == Status::Ok).then_some(walked));
        }
    }

    /// Whatever is done to chains: a walk that takes two entries at a time says the same, finding by finding.
    #[test]
    fn two_steps_are_as_one_and_one(
        lengths in prop::collection::vec(1..6_i64, 1..4),
        tamperings in prop::collection::vec((any::<prop::sample::Index>(), tampering()), 0..4),
        is_odd: bool,
    ) {
        let mut rows: Vec<Row> = (1_u128..).zip(lengths).flat_map(|(tenant, length)| chain(tenant, length)).collect();
        for (at, what) in &tamperings {
            tamper(&mut rows, *at, what);
        }
        rows.sort_by_key(|row| (row.tenant, row.seq.is_none(), row.seq));
        let (mut by_one, mut by_two) = (Vec::new(), Vec::new());
        let (mut one, mut two) = (Verifier::new(View::Whole), Verifier::new(View::Whole));
        let mut reports: Vec<_> =
            rows.iter().filter_map(|row| one.push(&row.entry(), &mut |finding| by_one.push(finding))).collect();
        reports.extend(one.finish(&mut |finding| by_one.push(finding)));
        let mut found = |finding| by_two.push(finding);
        let (first, rest) = rows.split_at(usize::from(is_odd).min(rows.len()));
        let mut reports_by_two: Vec<_> =
            first.iter().filter_map(|row| two.push(&row.entry(), &mut found)).collect();
        let (pairs, last) = rest.as_chunks::<2>();
        for [a, b] in pairs {
            reports_by_two.extend(two.push_two([&a.entry(), &b.entry()], &mut found).into_iter().flatten());
        }
        reports_by_two.extend(last.iter().filter_map(|row| two.push(&row.entry(), &mut found)));
        reports_by_two.extend(two.finish(&mut found));
        prop_assert_eq!(by_two, by_one);
        prop_assert_eq!(reports_by_two, reports);
    }

    /// Whatever is done to a chain: the tally calls it intact exactly if the walk finds nothing.
    #[test]
    fn the_tally_and_the_walk_agree(length in 1..8_i64, tamperings in prop::collection::vec((any::<prop::sample::Index>(), tampering()), 0..4)) {
        let mut rows = chain(TENANT, length);
        for (at, what) in &tamperings {
            tamper(&mut rows, *at, what);
        }
        prop_assume!(!rows.is_empty());
        let walked = walk(rows.clone());
        let is_intact = walked.findings == 0 && walked.unchecked == 0;
        prop_assert_eq!(report(&tally(&rows)), is_intact.then_some(walked));
    }
}
