//! `af-tools backup`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

use crate::backup::store::Keep;
use crate::backup::{Compression, Kind};

/// `af-tools backup`.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Dump the database, and note beside it what it held
    ///
    /// pg_dump runs under an exported snapshot; under the same one the rows of each table are counted and the head of each
    /// tenant's chain is read. The dump is decoded once and its rows counted before the backup gets its name.
    Create(CreateArgs),
    /// Check that a backup is what it was when it was made
    ///
    /// Every file is hashed and decoded, and the rows of each table are counted. Exits with 3 where something is
    /// not as the manifest says. No server is needed without --deep.
    Verify(VerifyArgs),
    /// Restore a backup into a new database, and prove that it is the old one
    ///
    /// The database is created; none is dropped or written over. Then its schema, rows, constraints, sequences, owners, grants,
    /// row-level security and triggers are compared with what the backup noted, every tenant's chain is verified and its
    /// head compared, and every message's envelope is verified. Exits with 3 where something differs.
    Restore(RestoreArgs),
    /// List the backups in a directory
    List(ListArgs),
    /// Remove the backups that need not be kept
    ///
    /// What one of the --keep options keeps stays, for each database and kind by itself. So do the one that was last
    /// verified and the one that was last restored and proven, in any case. What runs that were killed have left behind goes,
    /// unless somebody is at work in the directory.
    Prune(PruneArgs),
    /// Fail where the newest backup is too old
    ///
    /// For monitoring. Exits with 3 where the newest backup of a database is older than --max-age, or something about it
    /// is not right at first sight, and with 4 where there is no backup.
    Check(CheckArgs),
}

/// Where backups are.
#[derive(Debug, Args)]
pub struct DirectoryArgs {
    /// The directory with the backups
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// Which backup.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Its name in the directory, or its path
    #[arg(value_name = "NAME", required_unless_present = "latest")]
    pub name: Option<PathBuf>,
    /// The newest full backup in the directory
    #[arg(long, conflicts_with = "name")]
    pub latest: bool,
    /// Where backups are.
    #[command(flatten)]
    pub directory: DirectoryArgs,
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// Everything in the database
    Full,
    /// The schema, and no rows
    Schema,
    /// The schema, and the rows of tenants, users, rbac_roles, rbac_bindings, audits, audit_checkpoints, audit_verifications
    /// and what they refer to
    Critical,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Full => Self::Full,
            KindArg::Schema => Self::Schema,
            KindArg::Critical => Self::Critical,
        }
    }
}

/// `af-tools backup create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Make the backup in this directory, which is created if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What it holds
    #[arg(long, value_enum, default_value_t = KindArg::Full)]
    pub kind: KindArg,
    /// Dump so many tables at a time; each takes a connection beside the one that holds the snapshot
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// gzip:1 to gzip:9, zstd:1 to zstd:22, or none; gzip:6 instead of zstd where pg_dump does not have it
    #[arg(long, value_name = "METHOD", default_value = "gzip:6")]
    pub compress: Compression,
    /// Wait at most so long for whoever has locked a table
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = super::duration)]
    pub lock_timeout: Duration,
    /// Sign the manifest with the Ed25519 key in this file (PKCS#8 in PEM)
    #[arg(long, value_name = "FILE")]
    pub sign_key: Option<PathBuf>,
}

/// `af-tools backup verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Which backup.
    #[command(flatten)]
    pub backup: BackupArgs,
    /// Require a signature by the owner of the Ed25519 public key in this file (PEM)
    #[arg(long, value_name = "FILE")]
    pub verify_key: Option<PathBuf>,
    /// Restore it into a database made for that, check everything there, and drop that again
    #[arg(long)]
    pub deep: bool,
    /// How it is restored.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Don't note in the backup that it was verified
    #[arg(long)]
    pub no_mark: bool,
}

/// How work on a server is done.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Read so many files at a time, and restore and verify with so many sessions
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// Have this program read and hash every entry of the restored chains, instead of the server by the function of its
    /// extension
    #[arg(long)]
    pub outside: bool,
    /// Create databases from this one instead of postgres or template1
    #[arg(long, value_name = "NAME")]
    pub maintenance_db: Option<String>,
    /// Write what was checked, and how long it took, into this file
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Sign the receipt with the Ed25519 key in this file (PKCS#8 in PEM)
    #[arg(long, value_name = "FILE", requires = "receipt")]
    pub sign_key: Option<PathBuf>,
}

impl ServerArgs {
    /// Whether anything was asked for that only a server can do.
    pub fn is_given(&self) -> bool {
        self.outside || self.maintenance_db.is_some() || self.receipt.is_some()
    }
}

/// `af-tools backup restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Which backup.
    #[command(flatten)]
    pub backup: BackupArgs,
    /// Restore into a new database of this name
    #[arg(long, value_name = "NEWDB")]
    pub into: String,
    /// Once everything is proven, give the new database the name of the one that the backup was made of; that one keeps
    /// its rows and gets another name
    #[arg(long, conflicts_with_all = ["tables", "tenant"])]
    pub swap: bool,
    /// Restore only this table, to look at it; may be given several times
    #[arg(long = "table", value_name = "TABLE")]
    pub tables: Vec<String>,
    /// Restore only this tenant's rows, to look at them
    #[arg(long, value_name = "UUID")]
    pub tenant: Option<Uuid>,
    /// Create roles that the backup refers to and the server does not have, without the right to log in
    #[arg(long)]
    pub create_roles: bool,
    /// Require a signature by the owner of the Ed25519 public key in this file (PEM)
    #[arg(long, value_name = "FILE")]
    pub verify_key: Option<PathBuf>,
    /// How it is restored.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `af-tools backup list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Where backups are.
    #[command(flatten)]
    pub directory: DirectoryArgs,
}

/// `af-tools backup prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Where backups are.
    #[command(flatten)]
    pub directory: DirectoryArgs,
    /// Which stay.
    #[command(flatten)]
    pub keep: KeepArgs,
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
}

/// Which backups stay.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct KeepArgs {
    /// Keep the last so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_last: Option<u32>,
    /// Keep the newest of each of the last so many days that have one (UTC)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_daily: Option<u32>,
    /// Keep the newest of each of the last so many weeks that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_weekly: Option<u32>,
    /// Keep the newest of each of the last so many months that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_monthly: Option<u32>,
}

impl KeepArgs {
    /// The same for the library.
    pub fn keep(&self) -> Keep {
        let count =
            |count: Option<u32>| count.map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX));
        Keep {
            last: count(self.keep_last),
            daily: count(self.keep_daily),
            weekly: count(self.keep_weekly),
            monthly: count(self.keep_monthly),
        }
    }
}

/// `af-tools backup check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Where backups are.
    #[command(flatten)]
    pub directory: DirectoryArgs,
    /// How old the newest backup of each database may be (1d, 26h)
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub max_age: Duration,
    /// Of which kind
    #[arg(long, value_enum, default_value_t = KindArg::Full)]
    pub kind: KindArg,
    /// How long ago the last verified backup of each database may have been verified
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub verified_within: Option<Duration>,
    /// How long ago a backup of each database may last have been restored and proven (`verify --deep`)
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub restored_within: Option<Duration>,
}
