//! `af-tools migrate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::migrate::{DownOptions, Source, Target, UpOptions};

/// `af-tools migrate`.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply what is pending
    ///
    /// Each migration runs in one transaction with its note in _sqlx_migrations, the table that the sqlx command-line
    /// tool keeps too. One that fails leaves the database as it was.
    Up(UpArgs),
    /// Revert the newest migration, or more
    ///
    /// All that are to be reverted go in one transaction, or none. When tables or columns are dropped that hold something,
    /// or rows are deleted, nothing is reverted, unless --allow-data-loss is given.
    Down(DownArgs),
    /// Show how each migration stands to the database
    ///
    /// Exits with 5 where migrations are pending, and with 3 where one was modified after it was applied, is missing here,
    /// is older than one that is applied, or was begun and not ended.
    Status(SourceArgs),
    /// Go all the way up, and each step down and up again, on a scratch database
    ///
    /// A database of its own is created on the server that the connection leads to, and dropped in the end. After each
    /// step down, and up again, the schema must be what it was there before, by pg_dump; all the way up, it must be what
    /// is expected. Exits with 3 where it is not.
    Test(TestArgs),
}

/// Where migrations come from.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// Take the migrations from this directory instead of this build
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
}

impl SourceArgs {
    /// The same for the library.
    pub fn source(&self) -> Source {
        self.source.clone().map_or(Source::Embedded, Source::Directory)
    }
}

/// How much patience there is.
#[derive(Debug, Args)]
pub struct LockArgs {
    /// Wait at most so long for other migrators, and for each lock on a table
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = super::duration)]
    pub lock_timeout: Duration,
}

/// `af-tools migrate up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Where migrations come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Apply no migration that is newer than this one
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(1..))]
    pub to: Option<i64>,
    /// Also apply migrations that are older than one that is applied
    #[arg(long)]
    pub allow_out_of_order: bool,
    /// Change nothing, and show what would be applied
    #[arg(long)]
    pub dry_run: bool,
    /// How much patience there is.
    #[command(flatten)]
    pub lock: LockArgs,
}

impl UpArgs {
    /// The same for the library.
    pub fn options(&self) -> UpOptions {
        let Self { to, allow_out_of_order, dry_run, .. } = *self;
        UpOptions { to, allow_out_of_order, dry_run, lock_timeout: self.lock.lock_timeout }
    }
}

/// `af-tools migrate down`.
#[derive(Debug, Args)]
pub struct DownArgs {
    /// Where migrations come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Revert all migrations that are newer than this one; 0 reverts all
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
    pub to: Option<i64>,
    /// Revert so many migrations instead of one
    #[arg(long, value_name = "K", conflicts_with = "to")]
    pub steps: Option<usize>,
    /// Go on although tables or columns that hold something are dropped, or rows deleted
    #[arg(long)]
    pub allow_data_loss: bool,
    /// Change nothing, and show what would be reverted and lost
    ///
    /// The scripts run in a transaction that is rolled back: they lock what they work on.
    #[arg(long)]
    pub dry_run: bool,
    /// How much patience there is.
    #[command(flatten)]
    pub lock: LockArgs,
}

impl DownArgs {
    /// The same for the library.
    pub fn options(&self) -> DownOptions {
        let target = match (self.to, self.steps) {
            (Some(to), _) => Target::Version(to),
            (None, Some(steps)) => Target::Steps(steps),
            (None, None) => Target::Newest,
        };
        let Self { allow_data_loss, dry_run, .. } = *self;
        DownOptions { target, allow_data_loss, dry_run, lock_timeout: self.lock.lock_timeout }
    }
}

/// `af-tools migrate test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Where migrations come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Expect the schema in this file, as --write leaves it, instead of this build's own
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub expect: Option<PathBuf>,
    /// Write the schema to this file, and compare with none
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}
