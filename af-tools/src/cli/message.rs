//! `af-tools message`.

use std::path::PathBuf;

use af_core::timestamp::Timestamp;
use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::message::Selection;

/// `af-tools message`.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// Hash every envelope again and compare
    ///
    /// Pulls the stored messages and recomputes everything here, believing nothing that the server computes. Exits with
    /// 0 if every message is what its producer vouched for, 3 if one is not, 4 if there was nothing to check or not
    /// everything could be seen.
    Verify(VerifyArgs),
    /// Write the messages of a trace again, in the order of ts, then id
    ///
    /// One JSON object a line: the canonical envelope, with envelope_hash as one more key. A message that is not what its
    /// producer vouched for is not written; it is named, and ends the replay with 3.
    Replay(ReplayArgs),
}

/// `af-tools message verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Verify only this tenant's messages; may be given several times
    #[arg(long = "tenant", value_name = "UUID")]
    pub tenants: Vec<Uuid>,
    /// Verify only the messages of this trace
    #[arg(long, value_name = "ID")]
    pub trace: Option<String>,
    /// Exit with 0 also where there are no messages
    #[arg(long)]
    pub allow_empty: bool,
    /// List at most this many findings; all are counted
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_findings: usize,
}

impl VerifyArgs {
    /// The same for the library.
    pub fn selection(&self) -> Selection {
        Selection { tenants: self.tenants.clone(), trace: self.trace.clone(), from: None, to: None }
    }
}

/// `af-tools message replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Whose messages
    #[arg(long, value_name = "UUID")]
    pub tenant: Uuid,
    /// Of which trace
    #[arg(long, value_name = "ID")]
    pub trace: String,
    /// Leave out messages that were sent before this time (RFC 3339)
    #[arg(long, value_name = "TS")]
    pub from: Option<Timestamp>,
    /// Leave out messages that were sent at this time or later (RFC 3339)
    #[arg(long, value_name = "TS")]
    pub to: Option<Timestamp>,
    /// Write the rest although a message is not what its producer vouched for; the exit code stays 3
    #[arg(long)]
    pub keep_going: bool,
    /// Exit with 0 also where there are no messages
    #[arg(long)]
    pub allow_empty: bool,
    /// Write the messages to this file instead of standard output; it comes to be only if the replay goes to its end
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Describe at most this many findings; all are counted
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_findings: usize,
}

impl ReplayArgs {
    /// The same for the library.
    pub fn selection(&self) -> Selection {
        let Self { tenant, trace, from, to, .. } = self;
        Selection { tenants: vec![*tenant], trace: Some(trace.clone()), from: *from, to: *to }
    }
}
