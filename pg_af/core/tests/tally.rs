//! The tally and the walk agree: what the one calls intact has no findings in the other, and the reports are the same.

mod rows;

use af_core::chain::{ChainReport, Verifier, View};
use af_core::record::RecordHasher;
use af_core::tally::{Key, Tally};
use proptest::prelude::*;
use rows::{Row, chain};
use uuid::Uuid;

const TENANT: u128 = 1;

fn key() -> Key {
    Key::new(b"sixteen secrets!")
}

fn tally<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Tally {
    let (key, mut hasher, mut tally) = (key(), RecordHasher::default(), Tally::default());
    for row in rows {
        tally.add(&row.entry(), &key, &mut hasher);
    }
    tally
}

fn report(tally: &Tally) -> Option<ChainReport> {
    tally.report(Uuid::from_u128(TENANT), &key())
}

/// What the walk says of the entries, ordered by position as the database orders them.
fn walk(mut rows: Vec<Row>) -> ChainReport {
    rows.sort_by_key(|row| (row.seq.is_none(), row.seq));
    let mut verifier = Verifier::new(View::Whole);
    for row in &rows {
        verifier.push(&row.entry(), &mut |_| ());
    }
    verifier.finish(&mut |_| ()).unwrap()
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
    let bytes = tally(&chain(TENANT, 3)).to_bytes();
    assert_eq!(Tally::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    assert_eq!(Tally::from_bytes(&bytes[1..]), None);
    assert_eq!(Tally::from_bytes(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(Tally::from_bytes(&[&bytes[..Tally::BYTES - 1], &[2]].concat()), None);
}

#[test]
fn another_key_gives_another_sum() {
    let rows = chain(TENANT, 2);
    let mut other = Tally::default();
    let key = Key::new(b"another sixteen!");
    rows.iter().for_each(|row| other.add(&row.entry(), &key, &mut RecordHasher::default()));
    assert_ne!(other, tally(&rows));
    assert_eq!(report(&other), None);
    assert!(other.report(Uuid::from_u128(TENANT), &key).is_some());
}

proptest! {
    /// Entries in any order, counted in any number of parts: the same.
    #[test]
    fn order_and_parts_do_not_matter(rows in Just(chain(TENANT, 9)).prop_shuffle(), cuts in prop::collection::vec(0..9_usize, 0..4)) {
        let mut cuts = [&[0, 9], &cuts[..]].concat();
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|cut| tally(&rows[cut[0]..cut[1]]));
        let sum = parts.fold(Tally::default(), |mut sum, part| {
            sum.merge(&Tally::from_bytes(&part.to_bytes()).unwrap());
            sum
        });
        prop_assert_eq!(report(&sum), Some(walk(chain(TENANT, 9))));
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
