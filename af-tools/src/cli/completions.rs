//! `af-tools completions`.

use clap::Args;
use clap_complete::Shell;

/// `af-tools completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
