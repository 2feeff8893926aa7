//! Replay: the messages of a trace go out again, in order, each only if it is what its producer vouched for.

use std::io::{self, Write};

use af_core::envelope::EnvelopeHasher;
use serde::Serialize;

use super::scan::{Next, Seen, scan};
use super::verify::verdict;
use super::{Error, Finding, Selection};
use crate::audit::verify::Status;
use crate::connection::Connection;
use crate::watch::Watch;

/// How much is written at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// How a replay treats what it does not pass on.
#[derive(Debug, Clone)]
pub struct Options {
    /// Pass on the rest although a message is not what its producer vouched for.
    pub keep_going: bool,
    /// How many findings are described; all are counted.
    pub max_findings: usize,
}

/// What was passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// The verdict on the messages that were seen.
    pub status: Status,
    /// The table.
    pub relation: String,
    /// Whether row-level security may have hidden messages.
    pub may_hide_rows: bool,
    /// How many messages were passed on.
    pub messages: u64,
    /// Whether it went to the end: not where a finding stopped it, or nobody wanted to read on.
    pub is_complete: bool,
    /// How many messages were not passed on.
    pub findings_total: u64,
    /// The first of them, up to the limit.
    pub findings: Vec<Finding>,
}

/// Writes the selected messages to `out`, in the order of time and id: one a line, the canonical envelope with
/// `envelope_hash` as one more key.
pub fn replay(
    connection: &mut Connection,
    selection: &Selection,
    options: &Options,
    out: &mut dyn Write,
    watch: &mut dyn Watch,
) -> Result<Replay, Error> {
    let mut hasher = EnvelopeHasher::default();
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    let (mut messages, mut is_complete) = (0, true);
    let (mut findings, mut findings_total) = (Vec::new(), 0);
    let seen = scan(connection, selection, true, watch, &mut |stored| {
        let (envelope, hash) = match stored.check(&mut hasher) {
            Ok(vouched_for) => vouched_for,
            Err(finding) => {
                findings_total += 1;
                if findings.len() < options.max_findings {
                    findings.push(finding);
                }
                is_complete = options.keep_going;
                return Ok(if options.keep_going { Next::Continue } else { Next::Stop });
            }
        };
        hasher.write_with_hash(envelope, hash, &mut buffer)?;
        buffer.push(b'\n');
        messages += 1;
        if buffer.len() < BUFFER_BYTES {
            return Ok(Next::Continue);
        }
        let is_wanted = pass_on(&mut buffer, out)?;
        is_complete = is_wanted;
        Ok(if is_wanted { Next::Continue } else { Next::Stop })
    })?;
    is_complete &= pass_on(&mut buffer, out)?;
    let status = verdict(&seen, findings_total);
    let Seen { relation, may_hide_rows, .. } = seen;
    Ok(Replay { status, relation, may_hide_rows, messages, is_complete, findings_total, findings })
}

/// Writes what is gathered. False where nobody reads any more, which is no error.
fn pass_on(buffer: &mut Vec<u8>, out: &mut dyn Write) -> Result<bool, Error> {
    let written = out.write_all(buffer).and_then(|()| out.flush());
    buffer.clear();
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::Output(error)),
    }
}
