//! `af-tools secrets`, and where every command finds secrets.

use std::convert::Infallible;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use super::duration;
use crate::secrets::{Key, Place, Rules, Secret};

/// Where secrets are, for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct SecretsOptions {
    /// Look for secrets in these places, in this order: env, env:PREFIX, file:PATH, dir:PATH, credentials
    #[arg(long = "secrets", global = true, value_name = "PLACE", value_delimiter = ',')]
    pub places: Vec<Place>,
    /// Accept secrets that the group of their file may read, as in mounted volumes
    #[arg(long, global = true)]
    pub allow_group: bool,
    /// Take the password of the database from this secret
    #[arg(long, global = true, value_name = "KEY")]
    pub password_secret: Option<Key>,
}

impl SecretsOptions {
    /// What is accepted of a file.
    pub fn rules(&self) -> Rules {
        Rules { allow_group: self.allow_group }
    }
}

/// `af-tools secrets`.
#[derive(Debug, Args)]
pub struct SecretsArgs {
    /// Record each access in the audit ledger, in the chain of this tenant (name or UUID); what cannot be recorded is
    /// not shown
    #[arg(long, global = true, value_name = "TENANT")]
    pub audit_tenant: Option<String>,
    /// What is to be done.
    #[command(subcommand)]
    pub command: SecretsCommand,
}

/// What can be done with secrets.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// List what is there, without the values
    List,
    /// Find a secret, and print where it is
    ///
    /// The value is printed as *** unless --reveal is given.
    Get(GetArgs),
    /// Set a secret to what standard input holds, or to what is typed without an echo
    ///
    /// The value never stands on the command line, where everybody on the machine can read it. One line end at its end is
    /// not part of it. The value before is kept as the previous version.
    Set(SetArgs),
    /// Delete a secret in all its versions
    Delete(DeleteArgs),
    /// Give a secret a new value in two phases: it is staged and tested, and only then does it count
    ///
    /// The new value comes from standard input, is typed, or generated. If its test fails it is discarded, and the
    /// current one stays. The phases can be gone one by one, by --stage and --promote.
    Rotate(RotateArgs),
    /// Print changes of secrets as they happen, without the values
    ///
    /// Until Ctrl-C, or until --for or --changes ends it.
    Watch(WatchArgs),
}

/// `af-tools secrets get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// Which secret
    pub key: Key,
    /// Print the value itself
    #[arg(long)]
    pub reveal: bool,
    /// The version that is staged
    #[arg(long, conflicts_with = "previous")]
    pub pending: bool,
    /// The version that was in use before
    #[arg(long)]
    pub previous: bool,
}

/// `af-tools secrets set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Which secret
    pub key: Key,
    /// What should not be here: it is refused without being repeated.
    #[arg(hide = true, value_parser = hidden)]
    pub exposed: Vec<Secret>,
}

/// `af-tools secrets delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Which secret
    pub key: Key,
}

/// `af-tools secrets rotate`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("phase"), group = ArgGroup::new("untested"))]
pub struct RotateArgs {
    /// Which secret
    pub key: Key,
    /// What should not be here: it is refused without being repeated.
    #[arg(hide = true, value_parser = hidden)]
    pub exposed: Vec<Secret>,
    /// Make the new value up: so many letters and digits
    #[arg(long, value_name = "LENGTH", num_args = 0..=1, default_missing_value = "32", require_equals = true,
          value_parser = clap::value_parser!(u16).range(16..=1024), conflicts_with_all = ["promote", "discard", "roll_back"])]
    pub generate: Option<u16>,
    /// Only stage the new value: it is pending, and the current one stays
    #[arg(long, groups = ["phase", "untested"])]
    pub stage: bool,
    /// Make the value current that is pending, if it passes its test
    #[arg(long, group = "phase")]
    pub promote: bool,
    /// Forget the value that is pending
    #[arg(long, groups = ["phase", "untested"])]
    pub discard: bool,
    /// Make the value current again that was in use before
    #[arg(long, groups = ["phase", "untested"])]
    pub roll_back: bool,
    /// Test the new value by this shell command, which reads it from standard input; it passes with exit code 0
    #[arg(long, value_name = "COMMAND", conflicts_with = "untested")]
    pub check: Option<String>,
    /// Test the new value as the password of the database: it must be let in, and another one must not
    #[arg(long, conflicts_with = "untested")]
    pub check_connection: bool,
}

/// `af-tools secrets watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Which secrets
    #[arg(required = true, value_name = "KEY")]
    pub keys: Vec<Key>,
    /// End after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub period: Option<Duration>,
    /// End after so many changes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub changes: Option<u32>,
    /// How often to look where no event tells of changes
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub poll: Duration,
}

/// Keeps what should not have been typed from being repeated.
fn hidden(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text.to_owned()))
}
