//! `af-tools demo`.

use std::path::PathBuf;

use clap::Args;

/// `af-tools demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave the server running, to look around
    #[arg(long)]
    pub keep: bool,
    /// Import these events instead of generated ones (the format of `audit import`)
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
}
