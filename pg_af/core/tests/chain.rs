//! The verifier against every way to tamper with a chain.

mod rows;

use af_core::chain::{ChainReport, Finding, FindingKind, Status, Verifier, View};
use af_core::digest::Digest;
use proptest::prelude::*;
use rows::{Row, chain};
use uuid::Uuid;

fn verify(rows: &[Row]) -> (Vec<ChainReport>, Vec<Finding>) {
    verify_through(View::Whole, rows)
}

fn verify_through(view: View, rows: &[Row]) -> (Vec<ChainReport>, Vec<Finding>) {
    let mut verifier = Verifier::new(view);
    let mut findings = Vec::new();
    let mut reports = Vec::new();
    for row in rows {
        reports.extend(verifier.push(&row.entry(), &mut |finding| findings.push(finding)));
    }
    reports.extend(verifier.finish(&mut |finding| findings.push(finding)));
    (reports, findings)
}

/// Verifies one chain and returns its findings as (seq, kind), after checking that the report agrees.
fn findings(rows: &[Row]) -> Vec<(Option<i64>, FindingKind)> {
    let (reports, findings) = verify(rows);
    let [report] = &reports[..] else { panic!("{} chains", reports.len()) };
    assert_eq!(report.entries, rows.len() as u64);
    assert_eq!(report.findings, findings.len() as u64);
    assert_eq!(report.first_finding.as_ref(), findings.first());
    assert_eq!(report.status() == Status::Tampered, !findings.is_empty());
    findings.into_iter().map(|finding| (finding.seq, finding.kind)).collect()
}

use FindingKind::{Altered, Duplicated, Missing, Relinked, Reordered, Unsealed};

#[test]
fn intact_chains_are_ok() {
    let rows = [chain(1, 3), chain(2, 1)].concat();
    let (reports, findings) = verify(&rows);
    assert!(findings.is_empty());
    assert_eq!(
        reports.iter().map(|report| (report.status(), report.entries)).collect::<Vec<_>>(),
        [(Status::Ok, 3), (Status::Ok, 1)]
    );
    let head = reports[0].head.unwrap();
    assert_eq!((head.seq, head.hash.unwrap().as_bytes().to_vec()), (3, rows[2].hash.clone().unwrap()));
    assert_eq!(verify(&[]).0, []);
}

#[test]
fn an_edit_is_altered_there_and_nowhere_else() {
    let mut rows = chain(1, 5);
    rows[2].details = "{}".into();
    assert_eq!(findings(&rows), [(Some(3), Altered)]);
    rows[2].details = "{not json".into();
    assert_eq!(findings(&rows), [(Some(3), Altered)]);
    rows[2].action = None;
    assert_eq!(findings(&rows), [(Some(3), Altered)]);
    let mut rows = chain(1, 5);
    rows[4].id = Uuid::from_u128(9);
    assert_eq!(findings(&rows), [(Some(5), Altered)]);
}

#[test]
fn an_edited_hash_is_altered_there_and_nowhere_else() {
    let mut rows = chain(1, 5);
    rows[2].hash = Some(vec![7; 32]);
    assert_eq!(findings(&rows), [(Some(3), Altered)]);
}

#[test]
fn a_resealed_entry_breaks_the_next_link() {
    let mut rows = chain(1, 5);
    rows[2].details = "{}".into();
    let prev = Digest::from_slice(rows[1].hash.as_deref().unwrap());
    rows[2].seal(prev);
    assert_eq!(findings(&rows), [(Some(4), Relinked)]);
}

#[test]
fn an_edited_link_is_altered_and_relinked() {
    let mut rows = chain(1, 5);
    rows[2].prev_hash = Some(vec![7; 32]);
    assert_eq!(findings(&rows), [(Some(3), Altered), (Some(3), Relinked)]);
    rows[0].prev_hash = Some(vec![7; 32]);
    assert_eq!(findings(&rows)[..2], [(Some(1), Altered), (Some(1), Relinked)]);
}

#[test]
fn removed_entries_are_missing() {
    let rows = chain(1, 9);
    assert_eq!(findings(&[&rows[..3], &rows[4..]].concat()), [(Some(4), Missing)]);
    assert_eq!(findings(&[&rows[..3], &rows[6..8]].concat()), [(Some(4), Missing)]);
    assert_eq!(findings(&rows[1..]), [(Some(1), Missing)]);
    assert_eq!(
        findings(&[rows[0].clone(), rows[2].clone(), rows[4].clone()]),
        [(Some(2), Missing), (Some(4), Missing)]
    );
    let detail = verify(&[&rows[..3], &rows[6..]].concat()).1.remove(0).detail;
    assert_eq!(detail, "entries 4 to 6 are not there (3 in all)");
    // The tail is what the rows alone cannot show.
    assert_eq!(findings(&rows[..5]), []);
}

#[test]
fn a_gap_in_a_filtered_view_proves_nothing() {
    let mut rows = chain(1, 6);
    rows.remove(2);
    assert_eq!(verify_through(View::Filtered, &rows).1, []);
    assert_eq!(verify_through(View::Filtered, &rows[1..]).1, []);
    // What is there is judged all the same, and so are links between neighbours.
    rows[3].details = "{}".into();
    rows[4].prev_hash = Some(vec![7; 32]);
    let kinds: Vec<_> =
        verify_through(View::Filtered, &rows).1.iter().map(|found| (found.seq, found.kind)).collect();
    assert_eq!(kinds, [(Some(5), Altered), (Some(6), Altered), (Some(6), Relinked)]);
}

#[test]
fn moved_entries_are_recognised() {
    let mut rows = chain(1, 6);
    (rows[2].seq, rows[3].seq) = (Some(4), Some(3));
    rows.swap(2, 3);
    let found = findings(&rows);
    assert!(found.contains(&(Some(3), Reordered)) && found.contains(&(Some(4), Reordered)), "{found:?}");

    // Removed and closed up: every entry behind the gap was sealed one position further.
    let mut rows = chain(1, 6);
    rows.remove(2);
    rows.iter_mut().skip(2).for_each(|row| row.seq = row.seq.map(|seq| seq - 1));
    let found = findings(&rows);
    assert_eq!(found[0], (Some(3), Reordered));
    assert_eq!(found.iter().filter(|(_, kind)| *kind == Reordered).count(), 3);

    // However many there are.
    let mut rows = chain(1, 3_000);
    rows.remove(2);
    rows.iter_mut().skip(2).for_each(|row| row.seq = row.seq.map(|seq| seq - 1));
    assert_eq!(findings(&rows).iter().filter(|(_, kind)| *kind == Reordered).count(), 2_997);
}

#[test]
fn doubles_and_strays_are_named() {
    let mut rows = chain(1, 4);
    rows.insert(2, rows[1].clone());
    assert_eq!(findings(&rows), [(Some(2), Duplicated)]);

    let mut rows = chain(1, 4);
    let mut stray = rows[3].clone();
    stray.seq = Some(0);
    rows.insert(0, stray);
    assert_eq!(findings(&rows)[0], (Some(0), Reordered));

    let mut rows = chain(1, 4);
    rows[3].seq = None;
    assert_eq!(findings(&rows), [(None, Unsealed)]);
}

#[test]
fn malformed_hashes_are_unsealed() {
    let mut rows = chain(1, 4);
    rows[1].hash = None;
    assert_eq!(findings(&rows), [(Some(2), Unsealed)]);
    let mut rows = chain(1, 4);
    rows[1].hash = Some(vec![1; 31]);
    assert_eq!(findings(&rows), [(Some(2), Unsealed)]);
    let mut rows = chain(1, 4);
    rows[1].prev_hash = None;
    assert_eq!(findings(&rows), [(Some(2), Unsealed)]);
    let mut rows = chain(1, 4);
    rows[1].prev_hash = Some(Vec::new());
    assert_eq!(findings(&rows), [(Some(2), Unsealed)]);
    // Where the link that belongs there is not known either, nothing can be said of the content.
    rows.remove(0);
    assert_eq!(findings(&rows), [(Some(1), Missing), (Some(2), Unsealed)]);
}

#[test]
fn an_unknown_version_is_never_ok() {
    let mut rows = chain(1, 3);
    rows[1].version = 2;
    // The hash still matches version 1: only the column was edited.
    assert_eq!(findings(&rows), [(Some(2), Altered)]);
    rows[1].details = "{}".into();
    let (reports, found) = verify(&rows);
    assert!(found.is_empty());
    assert_eq!((reports[0].status(), reports[0].unchecked), (Status::Partial, 1));
    assert_eq!(reports[0].first_unchecked.unwrap().seq, 2);
}

proptest! {
    /// Any edit of any column of any entry is reported, first at that entry.
    #[test]
    fn any_edit_is_found_where_it_is(length in 1_i64..20, at in any::<prop::sample::Index>(), column in 0..5, bit in 0..256_usize) {
        let mut rows = chain(1, length);
        let at = at.index(rows.len());
        let row = &mut rows[at];
        match column {
            0 => row.details = format!("{{\"n\":-{bit}}}"),
            1 => row.action = Some(format!("x{bit}")),
            2 => row.id = Uuid::from_u128(row.id.as_u128() ^ 1 << (bit % 128)),
            3 => row.hash.as_mut().unwrap()[bit / 8] ^= 1 << (bit % 8),
            _ => match row.prev_hash.as_mut() {
                Some(prev) => prev[bit / 8] ^= 1 << (bit % 8),
                None => row.prev_hash = Some(vec![0; 32]),
            },
        }
        prop_assert_eq!(findings(&rows)[0], (Some(at as i64 + 1), Altered));
    }

    /// Any entries taken out of the middle are reported, first where the first of them was.
    #[test]
    fn any_gap_is_found_where_it_starts(length in 2_i64..20, from in any::<prop::sample::Index>(), count in 1_usize..5) {
        let mut rows = chain(1, length);
        let from = from.index(rows.len() - 1);
        let to = (from + count).min(rows.len() - 1);
        rows.drain(from..to);
        prop_assert_eq!(findings(&rows), [(Some(from as i64 + 1), Missing)]);
    }
}
