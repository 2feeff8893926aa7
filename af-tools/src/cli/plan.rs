//! `af-tools plan`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration;

/// `af-tools plan`.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Carry out a plan: steps that save, look up and sum up what agents remember
    ///
    /// FILE is YAML (docs/memory.md says what is in it). Where a database is given, by --url, DATABASE_URL, PGSERVICE,
    /// PGHOST, PGHOSTADDR or PGDATABASE, the plan is recorded there: a row of plans, a request and a response of each step
    /// with their envelope hashes, and entries of the ledger. Exits with 0 if all steps were done, 3 if one failed, 4 if
    /// one expects something that nobody could look at without memory.
    Run(RunArgs),
}

/// `af-tools plan run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The plan; - is standard input
    pub file: PathBuf,
    /// Give the agents a memory, which ends with this command (also: AF_MEMORY_ENABLED=1)
    #[arg(long)]
    pub experimental_memory: bool,
    /// Keep at most so many entries; the one that was not used for longest goes first
    #[arg(long, value_name = "ENTRIES")]
    pub memory_capacity: Option<NonZeroUsize>,
    /// Work for this tenant (name or UUID); it must be in the database, where one is given
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Record nothing, whatever database the environment names
    #[arg(long, conflicts_with = "url")]
    pub no_record: bool,
    /// Make times and ids up, so that each run with this seed prints the same; nothing can be recorded then
    #[arg(long, value_name = "NUMBER", conflicts_with = "url")]
    pub seed: Option<u64>,
    /// Show the memory over HTTP while the command runs: GET /memory, /memory/{key} and /healthz; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS")]
    pub inspect: Option<SocketAddr>,
    /// Let --inspect listen where others than this machine can connect, who can then read everything
    #[arg(long, requires = "inspect")]
    pub inspect_any_address: bool,
    /// Go on showing the memory when all is done, so long or until Ctrl-C
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "forever",
          value_parser = hold, requires = "inspect")]
    pub hold: Option<Hold>,
}

/// How long to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until somebody ends it.
    Forever,
    /// So long.
    For(Duration),
}

fn hold(text: &str) -> Result<Hold, &'static str> {
    if text == "forever" { Ok(Hold::Forever) } else { duration(text).map(Hold::For) }
}
