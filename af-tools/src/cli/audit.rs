//! `af-tools audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

/// `af-tools audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recompute every hash and check every link
    ///
    /// Pulls the stored rows and recomputes everything here, believing nothing that the server computes.
    /// Exits with 0 if every chain is intact, 3 if something was found, 4 if there was nothing to check
    /// or not everything could be checked.
    Verify(VerifyArgs),
    /// Append events from a file
    ///
    /// One JSON object a line, possibly compressed by gzip, with the keys tenant (name or UUID; unknown
    /// names are created), actor_type, actor_id, action, resource_type and, if wanted, resource_id, ts
    /// (RFC 3339; the server's clock if it is not there) and details (any JSON). All lines are stored, in
    /// their order, or none.
    Import(ImportArgs),
}

/// `af-tools audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Verify only this tenant's chain; may be given several times
    #[arg(long = "tenant", value_name = "UUID")]
    pub tenants: Vec<Uuid>,
    /// Let the server's af_audit_verify() do it, which also compares each chain with the newest checkpoint in
    /// the table audit_checkpoints
    #[arg(long)]
    pub in_database: bool,
    /// Verify only what came since an entry that was recorded before; may be given several times
    ///
    /// ANCHOR is TENANT:SEQ:HASH, or a file with what `af-tools --json audit verify` wrote when all was well: then
    /// each chain is read from the head on that was seen. That entry must still be there as it was. Chains of which
    /// nothing is recorded are verified whole.
    #[arg(long, value_name = "ANCHOR", conflicts_with = "in_database")]
    pub since: Vec<String>,
    /// Share the work among so many sessions, which all see the same snapshot; one more keeps it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64),
          conflicts_with = "in_database")]
    pub jobs: u16,
    /// Exit with 0 also where there are no entries
    #[arg(long)]
    pub allow_empty: bool,
    /// List at most this many findings; all are counted
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_findings: usize,
}

/// `af-tools audit import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file to read, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Store the good lines although others are refused (exit code 3 then)
    #[arg(long)]
    pub keep_going: bool,
}
