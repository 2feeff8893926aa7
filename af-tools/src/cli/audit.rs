//! `af-tools audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::proof::{
    CheckProofArgs, CosignArgs, ProveArgs, ProveConsistencyArgs, TimestampArgs, VkeyArgs, WitnessArgs,
};

/// `af-tools audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recompute every hash and check every link
    ///
    /// Pulls the stored rows and recomputes everything here, believing nothing that the server computes. Then looks whether
    /// what guards the ledger is in place.
    /// Exits with 0 if every chain is intact, 3 if something was found, 4 if there was nothing to check
    /// or not everything could be checked.
    ///
    /// With checkpoints to compare with, it also sees that a chain was cut off, rewritten as a whole or rolled back, or
    /// that the database is another one.
    Verify(VerifyArgs),
    /// Make a key that signs checkpoints
    ///
    /// An Ed25519 key as OpenSSL writes it: the secret one goes into FILE, which only its owner can read, the public one
    /// into FILE.pub. Keep the secret one away from the database and from who administers it.
    Keygen(KeygenArgs),
    /// Sign how long each chain is, and what it holds
    ///
    /// Verifies the chains, from their last checkpoints on, and signs the Merkle root over the entries of each one that is
    /// intact and begins with what was signed before. One more checkpoint, of the log of all that was signed, vouches for
    /// all of them. Keep copies where whoever controls the database has no access. Exits with 3 if a chain was refused.
    Checkpoint(CheckpointArgs),
    /// Prove that an entry is among those of a checkpoint
    ///
    /// Prints a receipt, in C2SP's format tlog-proof: the entry's canonical record, the way from its hash to the checkpoint's
    /// root, and the checkpoint. Whoever has the public key checks it without the database. Exits with 3 if the ledger is not
    /// what was signed, 4 if the entry has come after the checkpoint; then there is no receipt.
    Prove(ProveArgs),
    /// Prove that a checkpoint continues an older one
    ///
    /// Prints a proof of consistency: receipts under the older checkpoint hold under the newer one as well, and witnesses can
    /// cosign it. For a checkpoint of all chains, no database is needed.
    ProveConsistency(ProveConsistencyArgs),
    /// Check a receipt or a proof of consistency, without the database
    ///
    /// Exits with 0 if it holds, 3 if it does not, or is damaged, 4 if too few witnesses have cosigned; 1 if the file is no
    /// proof.
    CheckProof(CheckProofArgs),
    /// Cosign a checkpoint as a witness
    ///
    /// Adds a signature with the time (C2SP tlog-cosignature), and refuses whatever does not continue what the same witness
    /// has cosigned before: with 3 if the log was rewritten, with 4 if nothing shows that it only grew, or the checkpoint is an
    /// older one. The first checkpoint of a log is taken as it is.
    Cosign(CosignArgs),
    /// Write the public key of a witness as others want it
    Vkey(VkeyArgs),
    /// Have an authority state that a checkpoint was there at a time (RFC 3161)
    ///
    /// Writes the query beside the checkpoint, as CHECKPOINT.tsq, and nothing else: there is no network unless --tsa-url asks
    /// for it. The reply, from there or from --reply, is attached as CHECKPOINT.tsr if it is of this checkpoint. --verify looks
    /// at what is attached; it exits with 3 if that is of something else, 4 if nothing was there or, without --tsa-ca, nobody
    /// has verified the authority's signature.
    Timestamp(TimestampArgs),
    /// Verify, and write a report for auditors
    ///
    /// One page of HTML that needs nothing else: what was verified, against which checkpoints, how each chain's entries lie in
    /// time, each finding with the entries that it is about, and what is not proven. With --json the same is printed as JSON.
    /// The exit code is that of `audit verify`; the report is written whatever was found.
    Report(ReportArgs),
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
    /// What is verified, and against what.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Keep a record of this verification in the table audit_verifications
    #[arg(long)]
    pub record: bool,
    /// Write the result for Prometheus into this file, also where it could not run
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// What is verified, and against what.
#[derive(Debug, Args)]
pub struct ScopeArgs {
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
    /// each chain is read from the head on that was seen; or a checkpoint, or a directory of them, with their states
    /// beside. That entry must still be there as it was. Chains of which nothing is recorded are verified whole.
    #[arg(long, value_name = "ANCHOR", conflicts_with = "in_database")]
    pub since: Vec<String>,
    /// Verify every entry, which is what is done anyway without --since
    #[arg(long, conflicts_with = "since")]
    pub full: bool,
    /// Compare with this checkpoint, or with those in this directory; may be given several times
    #[arg(
        long = "checkpoint",
        value_name = "PATH",
        requires = "public_keys",
        conflicts_with = "in_database"
    )]
    pub checkpoints: Vec<PathBuf>,
    /// The Ed25519 public key (PEM) of whoever signs checkpoints; may be given several times
    #[arg(long = "public-key", value_name = "FILE")]
    pub public_keys: Vec<PathBuf>,
    /// Whose cosignatures are demanded.
    #[command(flatten)]
    pub witnesses: WitnessArgs,
    /// Exit with 0 also where chains have no checkpoint yet
    #[arg(long, requires = "checkpoints")]
    pub allow_new: bool,
    /// Share the work among so many sessions, which all see the same snapshot; one more keeps it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64),
          conflicts_with = "in_database")]
    pub jobs: u16,
    /// Exit with 0 also where there are no entries
    #[arg(long)]
    pub allow_empty: bool,
    /// Don't look whether the guards are in place: triggers, functions, constraints, row-level security, grants and owners
    #[arg(long)]
    pub no_guards: bool,
    /// List at most this many findings; all are counted
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_findings: usize,
}

/// `af-tools audit report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Write the page into this file, in the place of what it held before
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What is verified, and against what.
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// `af-tools audit keygen`.
#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// Where the secret key goes; there must be no such file yet, nor one with .pub after its name
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How it is protected.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// Protect the key by a passphrase, which is asked for unless a file has it
    #[arg(long)]
    pub protect: bool,
}

/// The passphrase of a secret key.
#[derive(Debug, Args)]
pub struct PassphraseArgs {
    /// Read the passphrase of the key from this file, which only its owner can read
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `af-tools audit checkpoint`.
#[derive(Debug, Args)]
pub struct CheckpointArgs {
    /// Sign with the Ed25519 key in this file (PKCS#8 in PEM), as `audit keygen` makes it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// How it is protected.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    /// The directory with the checkpoints, which is created if it is not there; or, with one --tenant, a file
    #[arg(long, value_name = "DIR|FILE")]
    pub out: PathBuf,
    /// Sign only this tenant's chain; may be given several times
    #[arg(long = "tenant", value_name = "UUID")]
    pub tenants: Vec<Uuid>,
    /// Verify every entry, and not only those since the last checkpoint
    #[arg(long)]
    pub full: bool,
    /// Keep copies in the table audit_checkpoints, with which af_audit_verify() compares the chains
    #[arg(long)]
    pub record: bool,
    /// Begin anew, openly: one more than before, where the same ledger has lost entries for a good reason
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub incarnation: u32,
    /// Share the work among so many sessions, which all see the same snapshot; one more keeps it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
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
