//! How the entries of chains lie in time: counted in intervals, which are the same for every chain.

use postgres::Transaction;
use serde::Serialize;
use uuid::Uuid;

use crate::audit::verify::{Status, Verification};
use crate::relation::{Relation, tenants_condition};
use crate::server::ServerError;

/// Into so many intervals the time from the first entry to the last is divided.
pub(super) const INTERVALS: i32 = 90;
/// So many chains are drawn; those in which something was found come first.
const MOST_CHAINS: usize = 200;

/// The entries of a chain by time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// Whose chain.
    pub tenant_id: Uuid,
    /// When the first interval begins, for all chains: RFC 3339.
    pub from: String,
    /// When the last one ends.
    pub to: String,
    /// The intervals in which there are entries.
    pub buckets: Vec<Bucket>,
}

/// An interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Its number, from 0.
    pub interval: i32,
    /// How many entries have a time in it.
    pub entries: i64,
    /// The smallest position among them.
    pub first_seq: i64,
    /// The greatest.
    pub last_seq: i64,
}

/// The timelines of the chains that are shown. Entries without a finite time are left out.
pub(super) fn of(
    transaction: &mut Transaction<'_>,
    relation: &Relation,
    verification: &Verification,
) -> Result<Vec<Timeline>, ServerError> {
    let mut chains: Vec<_> = verification.chains.iter().filter(|chain| chain.entries > 0).collect();
    chains.sort_by_key(|chain| chain.status != Status::Tampered);
    let tenants: Vec<Uuid> =
        chains.into_iter().filter_map(|chain| chain.tenant_id).take(MOST_CHAINS).collect();
    let Some(condition) = tenants_condition(&tenants) else { return Ok(Vec::new()) };
    let table = &relation.name;
    let query = format!(
        "WITH a AS (SELECT tenant_id, seq, extract(epoch FROM ts)::float8 AS at FROM {table} \
                    WHERE {condition} AND isfinite(ts) AND seq IS NOT NULL), \
              s AS (SELECT min(at) AS lo, max(at) + 0.001 AS hi FROM a) \
         SELECT tenant_id, width_bucket(at, lo, hi, {INTERVALS}) - 1, count(*), min(seq), max(seq), lo, hi \
         FROM a, s GROUP BY tenant_id, 2, lo, hi ORDER BY tenant_id, 2"
    );
    let mut timelines: Vec<Timeline> = Vec::new();
    for row in transaction.query(&query, &[])? {
        let (tenant_id, from, to): (Uuid, f64, f64) = (row.get(0), row.get(5), row.get(6));
        if timelines.last().is_none_or(|last| last.tenant_id != tenant_id) {
            timelines.push(Timeline { tenant_id, from: time(from), to: time(to), buckets: Vec::new() });
        }
        let bucket =
            Bucket { interval: row.get(1), entries: row.get(2), first_seq: row.get(3), last_seq: row.get(4) };
        if let Some(timeline) = timelines.last_mut() {
            timeline.buckets.push(bucket);
        }
    }
    timelines.sort_by_key(|timeline| tenants.iter().position(|tenant| *tenant == timeline.tenant_id));
    Ok(timelines)
}

/// Seconds since 1970 in RFC 3339, to the second.
#[expect(clippy::cast_possible_truncation, reason = "what is out of range has no name, and is not written")]
fn time(seconds: f64) -> String {
    const SECONDS_FROM_1970_TO_2000: i64 = 946_684_800;
    let micros = (seconds as i64).saturating_sub(SECONDS_FROM_1970_TO_2000).saturating_mul(1_000_000);
    let timestamp = af_core::timestamp::Timestamp::from_postgres_micros(micros);
    timestamp.map_or_else(|_| "?".to_owned(), |timestamp| timestamp.to_string())
}
