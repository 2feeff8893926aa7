//! Verification: every envelope is hashed again, and compared with what is stored.

use std::time::Instant;

use af_core::envelope::EnvelopeHasher;
use serde::Serialize;

use super::scan::{Next, Seen, scan};
use super::{Error, Finding, Selection};
use crate::audit::verify::Status;
use crate::connection::Connection;
use crate::watch::{Watch, rate};

/// The verdict on all messages that were checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verification {
    /// The verdict.
    pub status: Status,
    /// The table.
    pub relation: String,
    /// Whether row-level security may have hidden messages.
    pub may_hide_rows: bool,
    /// How many messages were checked.
    pub messages: u64,
    /// How long it took.
    pub seconds: f64,
    /// Their quotient.
    pub messages_per_second: Option<f64>,
    /// How many messages are not what their producers vouched for.
    pub findings_total: u64,
    /// The first of them, up to the limit.
    pub findings: Vec<Finding>,
}

/// Verifies the selected messages, all in one snapshot; at most `max_findings` findings are kept.
pub fn verify(
    connection: &mut Connection,
    selection: &Selection,
    max_findings: usize,
    watch: &mut dyn Watch,
) -> Result<Verification, Error> {
    let start = Instant::now();
    let mut hasher = EnvelopeHasher::default();
    let (mut findings, mut findings_total) = (Vec::new(), 0);
    let seen = scan(connection, selection, false, watch, &mut |stored| {
        if let Err(finding) = stored.check(&mut hasher) {
            findings_total += 1;
            if findings.len() < max_findings {
                findings.push(finding);
            }
        }
        Ok(Next::Continue)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let status = verdict(&seen, findings_total);
    let Seen { relation, may_hide_rows, messages } = seen;
    let messages_per_second = rate(messages, seconds);
    Ok(Verification {
        status,
        relation,
        may_hide_rows,
        messages,
        seconds,
        messages_per_second,
        findings_total,
        findings,
    })
}

/// What was seen, judged: a finding outweighs what could not be seen, and that outweighs that nothing was there.
pub(super) fn verdict(seen: &Seen, findings: u64) -> Status {
    match seen {
        _ if findings > 0 => Status::Tampered,
        Seen { may_hide_rows: true, .. } => Status::Partial,
        Seen { messages: 0, .. } => Status::Empty,
        Seen { .. } => Status::Ok,
    }
}
