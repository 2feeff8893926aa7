//! Walks in parts, and walks from an entry that was recorded before, against the walk over the whole.

mod rows;

use af_core::chain::{Anchor, ChainReport, Finding, FindingKind, Part, Status, Verifier, View};
use af_core::digest::Digest;
use proptest::prelude::*;
use rows::{Row, chain};

use FindingKind::{Altered, Missing, Relinked, Rewritten, Truncated, Unsealed};

/// Pushes `rows` and returns the reports on the chains that were finished.
fn push(verifier: &mut Verifier, rows: &[Row], findings: &mut Vec<Finding>) -> Vec<ChainReport> {
    let pushed = rows.iter().map(|row| verifier.push(&row.entry(), &mut |finding| findings.push(finding)));
    pushed.flatten().collect()
}

fn verify(mut verifier: Verifier, rows: &[Row]) -> (Vec<ChainReport>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut reports = push(&mut verifier, rows, &mut findings);
    reports.extend(verifier.finish(&mut |finding| findings.push(finding)));
    (reports, findings)
}

/// The rows from `at` on as another job reads them, put behind what was read before; and whether that had to be done
/// again.
///
/// As a query by position would, the job reads all rows of the last position before.
fn join(view: View, whole: &mut Part, rows: &[Row], at: usize, findings: &mut Vec<Finding>) -> bool {
    let walk = |mut verifier: Verifier| {
        let mut findings = Vec::new();
        let reports = push(&mut verifier, &rows[at..], &mut findings);
        (verifier.suspend(reports), findings)
    };
    let mut verifier = Verifier::new(view);
    let position = |row: &Row| (row.tenant, row.seq);
    if let ([.., last], Some(next)) = (&rows[..at], rows.get(at))
        && last.tenant == next.tenant
    {
        let before = rows[..at].iter().filter(|row| position(row) == position(last));
        before.for_each(|row| verifier.read_before(&row.entry()));
    }
    let (mut part, mut found) = walk(verifier);
    let fits = whole.leads_to(&part);
    if !fits {
        (part, found) = walk(Verifier::resume(view, whole.standing()));
    }
    whole.append(part, &mut |finding| findings.push(finding));
    findings.extend(found);
    fits
}

fn anchor(row: &Row) -> Anchor {
    let hash = Digest::from_slice(row.hash.as_deref().unwrap()).unwrap();
    Anchor { tenant_id: row.tenant, seq: row.seq.unwrap(), hash }
}

/// Verifies one chain since `anchor`; its findings as (seq, kind), after checking that the report agrees.
fn since(anchor: Anchor, rows: &[Row]) -> (ChainReport, Vec<(Option<i64>, FindingKind)>) {
    let (mut reports, findings) = verify(Verifier::since(View::Whole, anchor), rows);
    assert_eq!(reports.len(), 1, "{reports:?}");
    let report = reports.remove(0);
    assert_eq!(report.after, Some(anchor));
    assert_eq!(report.findings, findings.len() as u64);
    assert_eq!(report.first_finding.as_ref(), findings.first());
    (report, findings.into_iter().map(|finding| (finding.seq, finding.kind)).collect())
}

#[test]
fn what_came_since_is_what_is_counted() {
    let rows = chain(1, 9);
    for given in [&rows[..], &rows[3..]] {
        let (report, findings) = since(anchor(&rows[3]), given);
        assert_eq!((report.status(), report.entries, findings), (Status::Ok, 5, vec![]));
        assert_eq!(report.head.unwrap().hash, Some(anchor(&rows[8]).hash));
    }
}

#[test]
fn where_nothing_came_since_the_entry_itself_is_still_checked() {
    let mut rows = chain(1, 4);
    let recorded = anchor(&rows[3]);
    let (report, findings) = since(recorded, &rows);
    assert_eq!((report.entries, findings), (0, vec![]));
    assert_eq!(report.head.map(|head| (head.seq, head.hash)), Some((4, Some(recorded.hash))));
    rows[3].details = "{}".into();
    assert_eq!(since(recorded, &rows).1, [(Some(4), Altered)]);
}

#[test]
fn another_hash_than_the_recorded_one_is_rewritten() {
    let rows = chain(1, 6);
    let recorded = anchor(&rows[2]);
    // The whole chain hashed anew from entry 2 on: each link is right, and only the record tells.
    let mut forged = rows.clone();
    forged[1].details = "{}".into();
    let mut prev = Digest::from_slice(forged[0].hash.as_deref().unwrap());
    forged[1..].iter_mut().for_each(|row| prev = Some(row.seal(prev)));
    let (report, findings) = since(recorded, &forged);
    assert_eq!((report.entries, findings), (3, vec![(Some(3), Rewritten)]));
    let detail = report.first_finding.unwrap().detail;
    assert_eq!(detail, format!("the hash is {}, {} was recorded", anchor(&forged[2]).hash, recorded.hash));
    // Only this entry, and the next one still names what was there.
    let mut forged = rows.clone();
    forged[2].details = "{}".into();
    forged[2].seal(Digest::from_slice(rows[1].hash.as_deref().unwrap()));
    assert_eq!(since(recorded, &forged).1, [(Some(3), Rewritten), (Some(4), Relinked)]);
    // Only its hash: the content gives it away as well.
    let mut forged = rows.clone();
    forged[2].hash = Some(vec![7; 32]);
    assert_eq!(since(recorded, &forged).1, [(Some(3), Rewritten), (Some(3), Altered)]);
    let mut forged = rows;
    forged[2].hash = None;
    assert_eq!(since(recorded, &forged).1, [(Some(3), Unsealed)]);
    forged[2].prev_hash = None;
    assert_eq!(since(recorded, &forged).1, [(Some(3), Unsealed), (Some(3), Unsealed)]);
}

#[test]
fn a_recorded_entry_that_is_gone_is_missing_or_cut_off() {
    let rows = chain(1, 6);
    let recorded = anchor(&rows[2]);
    let without = |seqs: std::ops::RangeInclusive<i64>| -> Vec<Row> {
        rows.iter().filter(|row| !seqs.contains(&row.seq.unwrap())).cloned().collect()
    };
    assert_eq!(since(recorded, &without(3..=3)).1, [(Some(3), Missing)]);
    let (report, findings) = since(recorded, &without(3..=4));
    assert_eq!((report.entries, findings), (2, vec![(Some(3), Missing)]));
    assert_eq!(report.first_finding.unwrap().detail, "entries 3 to 4 are not there (2 in all)");
    // What follows is held against the record.
    let mut forged = without(3..=3);
    forged[2].seal(Some(Digest::from([7; 32])));
    assert_eq!(since(recorded, &forged).1, [(Some(3), Missing), (Some(4), Relinked), (Some(5), Relinked)]);
    for cut in [&rows[..2], &[]] {
        let (report, findings) = since(recorded, cut);
        assert_eq!((report.entries, report.head, findings), (0, None, vec![(Some(3), Truncated)]));
    }
    // The end of this chain is told before the next one begins.
    let rows = [&rows[..2], &chain(2, 2)].concat();
    let (reports, findings) = verify(Verifier::since(View::Whole, recorded), &rows);
    assert_eq!(findings.iter().map(|found| found.kind).collect::<Vec<_>>(), [Truncated]);
    assert_eq!(reports.iter().map(|report| report.entries).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn in_a_filtered_view_that_it_is_not_there_proves_nothing() {
    let rows = chain(1, 6);
    let recorded = anchor(&rows[2]);
    for given in [&rows[..2], &rows[3..], &rows[5..]] {
        assert_eq!(verify(Verifier::since(View::Filtered, recorded), given).1, []);
    }
    let forged = Anchor { hash: Digest::from([7; 32]), ..recorded };
    let kinds = |rows: &[Row]| {
        let found = verify(Verifier::since(View::Filtered, forged), rows).1;
        found.iter().map(|found| (found.seq, found.kind)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&rows[3..]), [(Some(4), Relinked)]);
    assert_eq!(kinds(&rows[2..]), [(Some(3), Rewritten)]);
}

#[test]
fn a_seam_is_trusted_no_more_than_any_other_place() {
    let rows = chain(1, 4);
    let mut first = Verifier::new(View::Whole);
    push(&mut first, &rows[..2], &mut Vec::new());
    let mut whole = Part::start(View::Whole);
    whole.append(first.suspend(Vec::new()), &mut |_| ());
    // The second reader is shown another entry 2, to which entry 3 has been linked.
    let mut shown = rows.clone();
    shown[1].details = "{}".into();
    let prev = shown[1].seal(Digest::from_slice(rows[0].hash.as_deref().unwrap()));
    shown[2].seal(Some(prev));
    let mut second = Verifier::new(View::Whole);
    second.read_before(&shown[1].entry());
    let mut findings = Vec::new();
    push(&mut second, &shown[2..3], &mut findings);
    assert_eq!(findings, [], "by itself the second part is fine");
    assert!(!whole.leads_to(&second.suspend(Vec::new())));
    // Walked again from where the first part ended, it is not.
    let mut again = Verifier::resume(View::Whole, whole.standing());
    push(&mut again, &shown[2..3], &mut findings);
    assert_eq!(
        findings.iter().map(|found| (found.seq, found.kind)).collect::<Vec<_>>(),
        [(Some(3), Relinked)]
    );
}

/// One way to tamper with a ledger, at a place that is given as a fraction of its length.
#[derive(Debug, Clone)]
struct Act {
    kind: u8,
    at: prop::sample::Index,
    other: prop::sample::Index,
    count: usize,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (0..15_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..4_usize)
        .prop_map(|(kind, at, other, count)| Act { kind, at, other, count });
    prop::collection::vec(act, 0..5)
}

fn tamper(rows: &mut Vec<Row>, acts: &[Act]) {
    for act in acts {
        if rows.is_empty() {
            return;
        }
        let at = act.at.index(rows.len());
        let other = act.other.index(rows.len());
        match act.kind {
            0 => rows[at].details = "{\"n\":-1}".into(),
            1 => rows[at].action = None,
            2 => rows[at].hash = Some(vec![7; 32]),
            3 => rows[at].hash = None,
            4 => rows[at].prev_hash = Some(vec![7; 32]),
            5 => rows[at].prev_hash = None,
            6 => rows[at].version = 2,
            7 => drop(rows.drain(at..(at + act.count).min(rows.len()))),
            8 => rows.insert(at, rows[at].clone()),
            9 => rows[at].seq = None,
            10 => rows[at].seq = rows[at].seq.map(|seq| seq - 40),
            11 => rows[at].seq = rows[other].seq,
            12 => rows[at].tenant = rows[other].tenant,
            13 => {
                let prev = rows[other].hash.as_deref().and_then(Digest::from_slice);
                if rows[at].action.is_some() && rows[at].seq.is_some() && rows[at].version == 1 {
                    rows[at].details = "{\"n\":-2}".into();
                    rows[at].seal(prev);
                }
            }
            _ => {
                rows[at].version = 2;
                rows[at].details = "{}".into();
            }
        }
    }
    rows.sort_by_key(|row| (row.tenant, row.seq.is_none(), row.seq));
}

/// Whether no other row has the position of the row at `at`, which a query by position could not tell apart.
fn splits_no_position(rows: &[Row], at: usize) -> bool {
    at == 0 || at == rows.len() || (rows[at - 1].tenant, rows[at - 1].seq) != (rows[at].tenant, rows[at].seq)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Wherever a ledger is split, whatever was done to it: the parts say the same as one walk.
    #[test]
    fn parts_say_what_one_walk_says(
        lengths in prop::collection::vec(1_i64..14, 1..4),
        acts in acts(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        is_filtered: bool,
    ) {
        let view = if is_filtered { View::Filtered } else { View::Whole };
        let mut rows: Vec<Row> =
            lengths.iter().enumerate().flat_map(|(tenant, length)| chain(tenant as u128, *length)).collect();
        tamper(&mut rows, &acts);
        let expected = verify(Verifier::new(view), &rows);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
        cuts.retain(|cut| splits_no_position(&rows, *cut));
        cuts.push(0);
        cuts.push(rows.len());
        cuts.sort_unstable();
        let mut whole = Part::start(view);
        let mut findings = Vec::new();
        for (from, to) in cuts.iter().zip(&cuts[1..]) {
            let fits = join(view, &mut whole, &rows[..*to], *from, &mut findings);
            prop_assert!(fits || !acts.is_empty(), "an intact ledger is never walked again");
        }
        let reports = whole.finish(&mut |finding| findings.push(finding));
        prop_assert_eq!((reports, findings), expected);
    }

    /// Since a recorded entry, the findings are those of one walk that lie behind it.
    #[test]
    fn since_an_entry_the_findings_are_those_behind_it(
        length in 1_i64..20,
        acts in acts(),
        recorded in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut rows = chain(1, length);
        let recorded = anchor(&rows[recorded.index(rows.len())]);
        tamper(&mut rows, &acts);
        let is_behind = |seq: Option<i64>| seq.is_none_or(|seq| seq > recorded.seq);
        let is_it = |row: &&Row| row.seq == Some(recorded.seq);
        let behind = |findings: &[Finding]| -> Vec<Finding> {
            findings.iter().filter(|finding| is_behind(finding.seq)).cloned().collect()
        };
        let (whole, all) = verify(Verifier::new(View::Whole), &rows);
        let (reports, found) = verify(Verifier::since(View::Whole, recorded), &rows);
        let report = &reports[0];
        let there = rows.iter().filter(is_it).count();
        prop_assert_eq!(report.findings, found.len() as u64);
        let entries = rows.iter().filter(|row| is_behind(row.seq)).count() + there.saturating_sub(1);
        prop_assert_eq!(report.entries, entries as u64);
        let is_sound = rows.iter().find(is_it).is_some_and(|row| {
            row.hash.as_deref() == Some(recorded.hash.as_bytes()) && row.prev_hash.is_some() == (recorded.seq > 1)
        });
        if is_sound {
            prop_assert_eq!(behind(&found), behind(&all));
            let head = whole.iter().find_map(|report| report.head);
            prop_assert_eq!(report.head, head);
        } else {
            prop_assert!(report.status() != Status::Ok, "{:?}", rows);
            // Right behind it, the record says what the rows alone do not.
            let far_behind = |findings: &[Finding]| {
                let mut findings = behind(findings);
                findings.retain(|finding| finding.seq.is_none_or(|seq| seq > recorded.seq + 2));
                findings
            };
            prop_assert_eq!(far_behind(&found), far_behind(&all));
        }

        // The same in two parts.
        let cut = cut.index(rows.len() + 1);
        if splits_no_position(&rows, cut) {
            let mut findings = Vec::new();
            let mut verifier = Verifier::since(View::Whole, recorded);
            let finished = push(&mut verifier, &rows[..cut], &mut findings);
            let mut whole = Part::start(View::Whole);
            whole.append(verifier.suspend(finished), &mut |_| ());
            join(View::Whole, &mut whole, &rows, cut, &mut findings);
            let joined = whole.finish(&mut |finding| findings.push(finding));
            prop_assert_eq!((joined, findings), (reports, found));
        }
    }
}
