//! The arguments: what can be asked for, and the words in which it is explained.

pub mod audit;
pub mod backup;
pub mod completions;
pub mod demo;
pub mod message;
pub mod migrate;
pub mod plan;
pub mod proof;
pub mod secrets;
pub mod validate;

use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::connection;
use crate::output::{Format, Verbosity};

const AFTER_HELP: &str = "\
Connection: --url, else DATABASE_URL, else libpq's PG* variables, service file and password file.
Password: --password-secret, else the connection string, else the secret that AF_PASSWORD_SECRET names,
else PGPASSWORD, else the password file. Secrets are looked for in --secrets, else AF_SECRETS.

Exit codes:
    0  done, everything that was asked for was checked and is fine
    1  could not run (connection, input and output, bad configuration)
    2  usage
    3  a finding (tampering, a corrupt backup, schema drift, an unhealthy required service, refused lines of an import with --keep-going, a step of a plan that failed)
    4  not provable (nothing was checked, or not everything)
    5  pending (migrations to apply)
  130  interrupted";

/// Verify, migrate and fill pg_af ledgers from outside the database.
#[derive(Debug, Parser)]
#[command(name = "af-tools", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// What goes for every command.
    #[command(flatten)]
    pub global: Global,
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// What goes for every command.
#[derive(Args)]
pub struct Global {
    /// Connect to this database (postgresql://… or "host=… dbname=…")
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub url: Option<String>,
    /// Use the tables in this schema
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub schema: Option<String>,
    /// Print the result as one JSON document
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Say more, and list in full
    #[arg(short, long, global = true, action = ArgAction::SetTrue, help_heading = "Global options")]
    pub verbose: bool,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: bool,
    /// Where secrets are.
    #[command(flatten)]
    pub secrets: secrets::SecretsOptions,
}

/// By hand, so that a password in the URL never shows.
impl std::fmt::Debug for Global {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Global")
            .field("schema", &self.schema)
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

impl Global {
    /// For whom the output is.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }

    /// What the command line says about the connection.
    pub fn source(&self) -> connection::Source {
        connection::Source { url: self.url.clone(), schema: self.schema.clone() }
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Work with the audit ledger
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Work with the messages of agents
    #[command(subcommand)]
    Message(message::MessageCommand),
    /// Make backups that prove themselves, and put them back
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Create and change the schema
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Keep and rotate passwords and other secrets
    Secrets(secrets::SecretsArgs),
    /// Check whether PostgreSQL, Redis and Qdrant are there and well
    ///
    /// All at once, each with deadlines and, where that may help, further attempts. Of PostgreSQL also extension, migrations
    /// and the guards of the ledger are checked, and the ends of its chains; its entries are `audit verify`'s. What is not
    /// checked is said. Exits with 0 if what is required is well, 3 if not, 4 if nothing was checked.
    Validate(validate::ValidateArgs),
    /// Carry out plans of agents with a memory (experimental)
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Show everything on a PostgreSQL server of its own
    Demo(demo::DemoArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man,
}

impl Command {
    /// Its name as it is typed.
    pub fn name(&self) -> &'static str {
        use audit::AuditCommand;
        use backup::BackupCommand;
        use message::MessageCommand;
        use migrate::MigrateCommand;
        use secrets::SecretsCommand;
        match self {
            Self::Audit(AuditCommand::Verify(_)) => "audit verify",
            Self::Audit(AuditCommand::Import(_)) => "audit import",
            Self::Audit(AuditCommand::Keygen(_)) => "audit keygen",
            Self::Audit(AuditCommand::Checkpoint(_)) => "audit checkpoint",
            Self::Audit(AuditCommand::Prove(_)) => "audit prove",
            Self::Audit(AuditCommand::ProveConsistency(_)) => "audit prove-consistency",
            Self::Audit(AuditCommand::CheckProof(_)) => "audit check-proof",
            Self::Audit(AuditCommand::Cosign(_)) => "audit cosign",
            Self::Audit(AuditCommand::Vkey(_)) => "audit vkey",
            Self::Audit(AuditCommand::Timestamp(_)) => "audit timestamp",
            Self::Audit(AuditCommand::Report(_)) => "audit report",
            Self::Message(MessageCommand::Verify(_)) => "message verify",
            Self::Message(MessageCommand::Replay(_)) => "message replay",
            Self::Backup(BackupCommand::Create(_)) => "backup create",
            Self::Backup(BackupCommand::Verify(_)) => "backup verify",
            Self::Backup(BackupCommand::Restore(_)) => "backup restore",
            Self::Backup(BackupCommand::List(_)) => "backup list",
            Self::Backup(BackupCommand::Prune(_)) => "backup prune",
            Self::Backup(BackupCommand::Check(_)) => "backup check",
            Self::Migrate(MigrateCommand::Up(_)) => "migrate up",
            Self::Migrate(MigrateCommand::Down(_)) => "migrate down",
            Self::Migrate(MigrateCommand::Status(_)) => "migrate status",
            Self::Migrate(MigrateCommand::Test(_)) => "migrate test",
            Self::Secrets(args) => match args.command {
                SecretsCommand::List => "secrets list",
                SecretsCommand::Get(_) => "secrets get",
                SecretsCommand::Set(_) => "secrets set",
                SecretsCommand::Delete(_) => "secrets delete",
                SecretsCommand::Rotate(_) => "secrets rotate",
                SecretsCommand::Watch(_) => "secrets watch",
            },
            Self::Validate(_) => "validate",
            Self::Plan(plan::PlanCommand::Run(_)) => "plan run",
            Self::Demo(_) => "demo",
            Self::Completions(_) => "completions",
            Self::Man => "man",
        }
    }
}

/// A duration as it is typed: `500ms`, `30s`, `2min`.
fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "a duration such as 500ms, 30s or 2min expected")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_password_does_not_show() {
        let cli = Cli::try_parse_from(["af-tools", "--url", "postgres://u:topsecret@h/d", "man"]).unwrap();
        assert!(!format!("{cli:?}").contains("topsecret"));
    }

    #[test]
    fn global_options_go_anywhere() {
        let cli =
            Cli::try_parse_from(["af-tools", "audit", "verify", "--json", "-q", "--schema", "s"]).unwrap();
        assert_eq!((cli.global.format(), cli.global.verbosity()), (Format::Json, Verbosity::Quiet));
        assert_eq!(cli.command.name(), "audit verify");
        assert!(Cli::try_parse_from(["af-tools", "man", "-q", "-v"]).is_err());
    }
}
