//! `af-tools migrate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::migrate::Source;

/// `af-tools migrate`.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply what is pending
    Up(SourceArgs),
    /// Revert the newest migration, with all that its tables hold
    Down(DownArgs),
    /// Show what is applied and what is pending (exit code 5)
    Status(SourceArgs),
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

/// `af-tools migrate down`.
#[derive(Debug, Args)]
pub struct DownArgs {
    /// Where migrations come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Revert all migrations that are newer than this one; 0 reverts all
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
    pub target: Option<i64>,
}
