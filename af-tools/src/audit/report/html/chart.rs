//! A chain's entries in time, as a drawing.

use std::fmt::{self, Write};

use super::text::{Quoted, Shown};
use crate::audit::report::Timeline;
use crate::audit::report::timeline::INTERVALS;
use crate::audit::verify::{Chain, Finding};
use crate::numbers::counted;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 92.0;
/// Where the bars stand, and how high they are at most.
const BASE: f64 = 72.0;
const TALLEST: f64 = 54.0;

/// Draws a chain: bars for its entries, triangles for findings, a line for what a checkpoint proves.
pub(super) fn draw(
    out: &mut String,
    chain: &Chain,
    timeline: &Timeline,
    findings: &[&Finding],
) -> fmt::Result {
    let most = timeline.buckets.iter().map(|bucket| bucket.entries).max().unwrap_or(1);
    let label = format!(
        "{} from {} to {}, {}",
        counted(chain.entries, "entry", "entries"),
        timeline.from,
        timeline.to,
        counted(chain.findings, "finding", "findings")
    );
    write!(out, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", Quoted(&label))?;
    write!(out, "<line class=\"base\" x1=\"0\" y1=\"{BASE}\" x2=\"{WIDTH}\" y2=\"{BASE}\"/>")?;
    for bucket in &timeline.buckets {
        // Whatever there is shows.
        let height = (TALLEST * bucket.entries as f64 / most as f64).max(2.0);
        write!(
            out,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{}, seq {} to {}</title></rect>",
            x(bucket.interval),
            BASE - height,
            width() - 1.0,
            counted(bucket.entries.unsigned_abs(), "entry", "entries"),
            bucket.first_seq,
            bucket.last_seq
        )?;
    }
    if let Some(seq) = chain.proven_seq {
        let at = x(interval_of(timeline, i64::try_from(seq).unwrap_or(i64::MAX))) + width();
        write!(
            out,
            "<line class=\"seal\" x1=\"{at:.1}\" y1=\"4\" x2=\"{at:.1}\" y2=\"{BASE}\"><title>proven by a checkpoint to seq {seq}</title></line>"
        )?;
    }
    for finding in findings {
        let Some(seq) = finding.seq else { continue };
        let at = x(interval_of(timeline, seq)) + width() / 2.0;
        let (left, right, top) = (at - 6.0, at + 6.0, BASE + 12.0);
        write!(
            out,
            "<path class=\"mark\" d=\"M{at:.1} {BASE} L{right:.1} {top} L{left:.1} {top} Z\"><title>{} at seq {seq}</title></path>",
            Shown(&finding.finding)
        )?;
    }
    write!(
        out,
        "<text x=\"0\" y=\"{0}\">{1}</text><text x=\"{WIDTH}\" y=\"{0}\" text-anchor=\"end\">{2}</text></svg>",
        HEIGHT - 1.0,
        Shown(&timeline.from),
        Shown(&timeline.to)
    )
}

fn width() -> f64 {
    WIDTH / f64::from(INTERVALS)
}

fn x(interval: i32) -> f64 {
    f64::from(interval.clamp(0, INTERVALS - 1)) * width()
}

/// Where a position lies in time; of an entry that is not there, where the last one before it does.
fn interval_of(timeline: &Timeline, seq: i64) -> i32 {
    let buckets = || timeline.buckets.iter();
    let within = buckets().find(|bucket| (bucket.first_seq..=bucket.last_seq).contains(&seq));
    let before = || buckets().filter(|bucket| bucket.last_seq < seq).max_by_key(|bucket| bucket.last_seq);
    within.or_else(before).map_or(0, |bucket| bucket.interval)
}
