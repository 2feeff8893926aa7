//! How the entries are divided among jobs: ranges of about the same size, which leave nothing out.

use std::ops::Bound;

use af_core::chain::Anchor;
use postgres::Transaction;
use uuid::Uuid;

use super::super::{Error, Options, doing};
use super::range::{From, Range, Tenants};
use crate::relation::Relation;

/// So many ranges for each job, so that none has to wait long for the others at the end.
const RANGES_PER_JOB: u128 = 16;
/// Fewer entries than this are not worth a statement of their own.
const SMALLEST_RANGE: u128 = 8_192;
/// Positions can be anything, so that the span of a chain says little of how many entries it has.
const MOST_RANGES: u128 = 4_096;

/// Whether entries can be found by tenant and position.
const HAS_INDEX: &str = "SELECT EXISTS ( \
     SELECT FROM pg_catalog.pg_index i \
     JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
     JOIN pg_catalog.pg_am m ON m.oid = c.relam \
     JOIN pg_catalog.pg_attribute t ON t.attrelid = i.indrelid AND t.attname = 'tenant_id' \
     JOIN pg_catalog.pg_attribute s ON s.attrelid = i.indrelid AND s.attname = 'seq' \
     WHERE i.indrelid = $1 AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' \
       AND i.indkey[0] = t.attnum AND i.indkey[1] = s.attnum AND i.indoption[0] = 0 AND i.indoption[1] = 0)";

/// Rows are to be read by that index, in its order, by one process for each session. PostgreSQL may think a scan of the
/// whole table cheaper, but it knows of one range only, and each of them would do the same.
pub(super) const BY_INDEX: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; \
     SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off";

/// From where to where a chain goes, as far as it is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    tenant: Uuid,
    /// The first and the last position; `None` where there are none.
    positions: Option<(i64, i64)>,
    anchor: Option<Anchor>,
}

impl Extent {
    fn entries(&self) -> u128 {
        self.bounds().map_or(0, |(first, last)| (i128::from(last) - i128::from(first)).unsigned_abs() + 1)
    }

    fn bounds(&self) -> Option<(i64, i64)> {
        let (first, last) = self.positions?;
        let first = self.anchor.map_or(first, |anchor| anchor.seq);
        (first <= last).then_some((first, last))
    }
}

/// Whether the table has the index that ranges are read by.
pub(super) fn has_index(transaction: &mut Transaction<'_>, relation: &Relation) -> Result<bool, Error> {
    let row = transaction.query_one(HAS_INDEX, &[&relation.oid]).map_err(doing("look up the index"))?;
    Ok(row.get(0))
}

/// What `jobs` are to read.
///
/// What the server says of the extents only decides how the work is divided: whatever there is lies in one of the
/// ranges, and they are read and joined without believing it.
pub(super) fn plan(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    options: &Options,
    jobs: usize,
) -> Result<Vec<Range>, Error> {
    let mut extents = extents(transaction, relation, &options.tenants)?;
    for anchor in &options.since {
        match extents.binary_search_by_key(&anchor.tenant_id, |extent| extent.tenant) {
            Ok(at) => extents[at].anchor = Some(*anchor),
            Err(at) => {
                let extent = Extent { tenant: anchor.tenant_id, positions: None, anchor: Some(*anchor) };
                extents.insert(at, extent);
            }
        }
    }
    let total: u128 = extents.iter().map(Extent::entries).sum();
    let size = match (options.range_entries, jobs) {
        (Some(entries), _) => u128::from(entries.max(1)).max(total / MOST_RANGES),
        (None, 0 | 1) => u128::MAX,
        (None, jobs) => (total / (RANGES_PER_JOB * jobs as u128)).max(SMALLEST_RANGE),
    };
    Ok(divide(&extents, size, !options.tenants.is_empty()))
}

/// One entry of the index after the other is looked up, rather than all of them read.
fn extents(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    tenants: &[Uuid],
) -> Result<Vec<Extent>, Error> {
    let table = &relation.name;
    let positions = format!(
        "(SELECT min(seq) FROM {table} AS a WHERE a.tenant_id = c.tenant_id), \
         (SELECT max(seq) FROM {table} AS a WHERE a.tenant_id = c.tenant_id)"
    );
    let rows = if tenants.is_empty() {
        let all = format!(
            "WITH RECURSIVE c (tenant_id) AS ( \
                 (SELECT tenant_id FROM {table} ORDER BY tenant_id LIMIT 1) \
                 UNION ALL \
                 SELECT (SELECT a.tenant_id FROM {table} AS a WHERE a.tenant_id > c.tenant_id \
                         ORDER BY a.tenant_id LIMIT 1) \
                 FROM c WHERE c.tenant_id IS NOT NULL) \
             SELECT tenant_id, {positions} FROM c WHERE tenant_id IS NOT NULL ORDER BY tenant_id"
        );
        transaction.query(&all, &[])
    } else {
        let listed = format!(
            "SELECT tenant_id, {positions} FROM unnest($1::uuid[]) AS c (tenant_id) ORDER BY tenant_id"
        );
        transaction.query(&listed, &[&tenants])
    };
    let rows = rows.map_err(doing("look up the chains"))?;
    let extent = |row: &postgres::Row| {
        let (first, last): (Option<i64>, Option<i64>) = (row.get(1), row.get(2));
        Extent { tenant: row.get(0), positions: first.zip(last), anchor: None }
    };
    Ok(rows.iter().map(extent).collect())
}

/// Ranges of about `size` entries: short chains together, long ones in sections.
fn divide(extents: &[Extent], size: u128, is_listed: bool) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut group = Vec::new();
    let mut entries = 0;
    let mut lower = Bound::Unbounded;
    for extent in extents {
        let tenant = extent.tenant;
        let is_apart = extent.anchor.is_some() || extent.entries() >= size.saturating_mul(2);
        if !is_apart {
            group.push(tenant);
            entries += extent.entries();
            if entries < size {
                continue;
            }
        }
        let upper = if is_apart { Bound::Excluded(tenant) } else { Bound::Included(tenant) };
        ranges.extend(together(std::mem::take(&mut group), is_listed, (lower, upper)));
        if is_apart {
            ranges.extend(sections(extent, size));
        }
        entries = 0;
        lower = Bound::Excluded(tenant);
    }
    ranges.extend(together(group, is_listed, (lower, Bound::Unbounded)));
    if !is_listed && lower != Bound::Unbounded {
        ranges.push(Range::of(Tenants::None));
    }
    ranges
}

/// Short chains in one range: only those that are listed, or whatever stands within the bounds.
fn together(group: Vec<Uuid>, is_listed: bool, bounds: (Bound<Uuid>, Bound<Uuid>)) -> Option<Range> {
    if is_listed {
        (!group.is_empty()).then(|| Range::of(Tenants::Listed(group)))
    } else {
        Some(Range::of(Tenants::Between(bounds.0, bounds.1)))
    }
}

/// A chain in sections of at least `size` entries.
fn sections(extent: &Extent, size: u128) -> impl Iterator<Item = Range> + use<> {
    let Extent { tenant, anchor, .. } = *extent;
    let count = (extent.entries() / size).max(1);
    let step = extent.entries().div_ceil(count);
    let first = extent.bounds().map_or(0, |(first, _)| i128::from(first));
    let seam = move |number: u128| {
        let position = first + i128::try_from(number * step).unwrap_or(i128::MAX / 2);
        i64::try_from(position).unwrap_or(i64::MAX)
    };
    (0..count).map(move |number| Range {
        tenants: Tenants::Listed(vec![tenant]),
        from: match (number, anchor) {
            (0, None) => From::First,
            (0, Some(anchor)) => From::Anchor(anchor),
            _ => From::Position(seam(number)),
        },
        before: (number + 1 < count).then(|| seam(number + 1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Bound::{Excluded, Included, Unbounded};
    use af_core::digest::Digest;

    fn tenant(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn extent(number: u128, positions: Option<(i64, i64)>) -> Extent {
        Extent { tenant: tenant(number), positions, anchor: None }
    }

    fn between(lower: Bound<u128>, upper: Bound<u128>) -> Range {
        Range::of(Tenants::Between(lower.map(tenant), upper.map(tenant)))
    }

    fn section(number: u128, from: From, before: Option<i64>) -> Range {
        Range { tenants: Tenants::Listed(vec![tenant(number)]), from, before }
    }

    #[test]
    fn short_chains_go_together_and_long_ones_apart() {
        let extents = [
            extent(1, Some((1, 60))),
            extent(2, Some((1, 60))),
            extent(3, Some((1, 10))),
            extent(4, Some((1, 250))),
            extent(5, Some((1, 9))),
        ];
        let expected = [
            between(Unbounded, Included(2)),
            between(Excluded(2), Excluded(4)),
            section(4, From::First, Some(126)),
            section(4, From::Position(126), None),
            between(Excluded(4), Unbounded),
            Range::of(Tenants::None),
        ];
        assert_eq!(divide(&extents, 100, false), expected);
        let listed = |numbers: &[u128]| {
            Range::of(Tenants::Listed(numbers.iter().map(|number| tenant(*number)).collect()))
        };
        let expected =
            [listed(&[1, 2]), listed(&[3]), expected[2].clone(), expected[3].clone(), listed(&[5])];
        assert_eq!(divide(&extents, 100, true), expected);
    }

    #[test]
    fn one_range_holds_everything() {
        assert_eq!(divide(&[], 100, false), [Range::of(Tenants::ALL)]);
        assert_eq!(divide(&[extent(1, Some((1, 9)))], u128::MAX, false), [Range::of(Tenants::ALL)]);
        assert_eq!(divide(&[extent(1, None)], 100, true), [Range::of(Tenants::Listed(vec![tenant(1)]))]);
    }

    #[test]
    fn a_recorded_entry_begins_a_range_of_its_own() {
        let anchor = |number, seq| Anchor { tenant_id: tenant(number), seq, hash: Digest::from([7; 32]) };
        let since = |number, seq, positions| Extent {
            anchor: Some(anchor(number, seq)),
            ..extent(number, positions)
        };
        let extents = [extent(1, Some((1, 9))), since(2, 50, Some((1, 70))), since(3, 50, None)];
        let expected = [
            between(Unbounded, Excluded(2)),
            section(2, From::Anchor(anchor(2, 50)), Some(61)),
            section(2, From::Position(61), None),
            between(Excluded(2), Excluded(3)),
            section(3, From::Anchor(anchor(3, 50)), None),
            between(Excluded(3), Unbounded),
            Range::of(Tenants::None),
        ];
        assert_eq!(divide(&extents, 10, false), expected);
    }

    #[test]
    fn absurd_positions_make_no_absurd_number_of_ranges() {
        let extents = [extent(1, Some((i64::MIN, i64::MAX))), extent(2, Some((1, 5)))];
        let total: u128 = extents.iter().map(Extent::entries).sum();
        let ranges = divide(&extents, total / 32, false);
        assert!(ranges.len() <= 36, "{}", ranges.len());
        let seams: Vec<i64> = ranges.iter().filter_map(|range| range.before).collect();
        assert!(seams.is_sorted() && seams.len() >= 30, "{seams:?}");
        assert!(ranges.windows(2).all(|pair| match (pair[0].before, pair[1].from) {
            (Some(before), From::Position(from)) => before == from,
            (before, _) => before.is_none(),
        }));
    }
}
