//! What was seen of a chain, against checkpoints of it.

mod rows;

use af_core::chain::{Anchor, ChainReport, Finding, FindingKind, Recorded, Status, Stored, Verifier, View};
use af_core::digest::Digest;
use af_core::timestamp::Timestamp;
use rows::{Row, chain};
use uuid::Uuid;

use FindingKind::{Altered, Missing, Rewritten, Truncated};

const LENGTH: i64 = 7;
const TENANT: Uuid = Uuid::from_u128(1);

fn at(rows: &[Row], seq: i64) -> Option<&Row> {
    rows.iter().find(|row| row.seq == Some(seq))
}

fn hash(row: &Row) -> Option<Digest> {
    row.hash.as_deref().and_then(Digest::from_slice)
}

fn anchor(rows: &[Row], seq: i64) -> Anchor {
    Anchor { tenant_id: TENANT, seq, hash: at(rows, seq).and_then(hash).unwrap() }
}

fn checkpoint(rows: &[Row], size: i64) -> Recorded {
    let at = Timestamp::from_postgres_micros(0).ok();
    Recorded { last: anchor(rows, size), origin: "example.org/log".into(), at }
}

fn stored(rows: &[Row], seq: i64) -> Option<Stored> {
    at(rows, seq).map(|row| Stored { id: Some(row.id), hash: hash(row) })
}

/// The report on a chain, walked from an entry on or from the start.
fn walk(rows: &[Row], since: Option<Anchor>, view: View) -> ChainReport {
    let mut verifier = since.map_or(Verifier::new(view), |anchor| Verifier::since(view, anchor));
    for row in rows {
        verifier.push(&row.entry(), &mut |_| ());
    }
    verifier.finish(&mut |_| ()).unwrap_or(ChainReport::empty(Some(TENANT)))
}

/// What a checkpoint adds to that.
fn against(
    rows: &[Row],
    since: Option<Anchor>,
    view: View,
    recorded: &Recorded,
) -> Option<(i64, FindingKind)> {
    let stored = stored(rows, recorded.last.seq);
    let finding = walk(rows, since, view).compare(recorded, stored, view)?;
    assert_eq!(finding.tenant_id, Some(TENANT));
    assert_eq!(finding.id, stored.and_then(|stored| stored.id), "{finding:?}");
    Some((finding.seq.unwrap(), finding.kind))
}

#[test]
fn a_chain_agrees_with_what_it_was_as_far_as_it_is_there() {
    let original = chain(1, LENGTH);
    for (length, size) in (0..=LENGTH).flat_map(|length| (1..=LENGTH).map(move |size| (length, size))) {
        let rows = &original[..length as usize];
        let recorded = checkpoint(&original, size);
        let cut = (size > length).then_some((length + 1, Truncated));
        assert_eq!(against(rows, None, View::Whole, &recorded), cut, "{length} of {size}");
        assert_eq!(against(rows, None, View::Filtered, &recorded), None, "{length} of {size}");
        for after in 1..=LENGTH {
            let expected = match cut {
                // Nothing is there from the walk's beginning on, which the walk tells by itself.
                Some(_) if after > length && size >= after => None,
                Some(_) if after > length => Some((size, Truncated)),
                _ => cut,
            };
            let since = Some(anchor(&original, after));
            assert_eq!(
                against(rows, since, View::Whole, &recorded),
                expected,
                "{length} of {size} after {after}"
            );
            assert!(cut.is_none() || expected.is_some() || walk(rows, since, View::Whole).findings > 0);
        }
    }
}

#[test]
fn another_history_is_rewritten_where_the_checkpoint_ends() {
    let original = chain(1, LENGTH);
    for from in 1..=LENGTH {
        let mut rows = original.clone();
        let mut prev = (from > 1).then(|| anchor(&original, from - 1).hash);
        for row in &mut rows[from as usize - 1..] {
            row.details = "{\"forged\": true}".into();
            prev = Some(row.seal(prev));
        }
        assert_eq!(walk(&rows, None, View::Whole).status(), Status::Ok, "the rows alone do not tell");
        for size in 1..=LENGTH {
            let expected = (size >= from).then_some((size, Rewritten));
            let recorded = checkpoint(&original, size);
            for view in [View::Whole, View::Filtered] {
                assert_eq!(against(&rows, None, view, &recorded), expected, "{size} from {from}");
            }
            // Also where the walk begins behind it.
            let since = Some(anchor(&rows, LENGTH));
            assert_eq!(against(&rows, since, View::Whole, &recorded), expected, "{size} from {from}");
        }
        rows[from as usize - 1].hash = None;
        let recorded = checkpoint(&original, from);
        assert_eq!(against(&rows, None, View::Whole, &recorded), Some((from, Rewritten)), "no hash");
    }
}

#[test]
fn a_gap_is_told_once() {
    let original = chain(1, LENGTH);
    for gap in 1..LENGTH {
        let mut rows = original.clone();
        rows.remove(gap as usize - 1);
        let recorded = checkpoint(&original, gap);
        assert_eq!(against(&rows, None, View::Whole, &recorded), None, "the walk tells it");
        for after in 1..=LENGTH {
            let since = Some(anchor(&original, after));
            let expected = (after > gap).then_some((gap, Missing));
            assert_eq!(against(&rows, since, View::Whole, &recorded), expected, "{gap} after {after}");
            assert_eq!(against(&rows, since, View::Filtered, &recorded), None, "{gap} after {after}");
        }
    }
    // Where the walk found an entry that a look at the table does not, one of them is wrong.
    let report = walk(&original, None, View::Whole);
    let finding = report.compare(&checkpoint(&original, 3), None, View::Whole).unwrap();
    assert_eq!((finding.seq, finding.kind), (Some(3), Missing));
}

#[test]
fn details_name_the_checkpoint() {
    let original = chain(1, LENGTH);
    let mut recorded = checkpoint(&original, 5);
    let detail = |rows: &[Row], recorded: &Recorded| {
        walk(rows, None, View::Whole).compare(recorded, stored(rows, 5), View::Whole).unwrap().detail
    };
    assert_eq!(
        detail(&original[..4], &recorded),
        "the chain ends with entry 4, but 5 entries were recorded in the checkpoint \"example.org/log\" at 2000-01-01T00:00:00Z"
    );
    recorded.at = None;
    assert_eq!(
        detail(&[], &recorded),
        "the chain is gone, but 5 entries were recorded in the checkpoint \"example.org/log\""
    );
    let mut other = original.clone();
    other[4].hash = None;
    let hash = recorded.last.hash;
    assert_eq!(
        detail(&other, &recorded),
        format!("there is no hash, but {hash} was recorded in the checkpoint \"example.org/log\"")
    );
}

#[test]
fn what_is_added_stands_in_its_place() {
    let finding = |tenant: Option<u128>, seq: Option<i64>, kind| Finding {
        tenant_id: tenant.map(Uuid::from_u128),
        seq,
        id: None,
        kind,
        detail: String::new(),
    };
    let mut report = ChainReport::empty(Some(TENANT));
    // Each in turn, and whether it is the first from then on.
    for (seq, is_first) in [(None, true), (Some(5), true), (Some(6), false), (None, false), (Some(4), true)] {
        let added = finding(Some(1), seq, Truncated);
        report.add(&added);
        assert_eq!(report.first_finding == Some(added), is_first, "{seq:?}");
        assert_eq!(report.status(), Status::Tampered);
    }
    assert_eq!(report.findings, 5);
    report.add(&finding(Some(1), Some(4), Rewritten));
    assert_eq!(
        report.first_finding.unwrap().kind,
        Truncated,
        "what the walk has found at the same place comes first"
    );

    let in_order = [
        finding(Some(1), Some(1), Altered),
        finding(Some(1), Some(3), Altered),
        finding(Some(1), Some(3), Rewritten),
        finding(Some(1), None, Altered),
        finding(Some(2), Some(1), Altered),
        finding(None, Some(1), Altered),
        finding(None, None, Altered),
    ];
    let mut findings: Vec<Finding> = [6, 1, 5, 3, 0, 4, 2].map(|place: usize| in_order[place].clone()).into();
    findings.sort_by(Finding::order);
    assert_eq!(findings, in_order);
    let mut reports = [None, Some(2), Some(1)].map(|tenant| ChainReport::empty(tenant.map(Uuid::from_u128)));
    reports.sort_by(ChainReport::order);
    assert_eq!(
        reports.map(|report| report.tenant_id),
        [Some(1), Some(2), None].map(|tenant| tenant.map(Uuid::from_u128))
    );
}
