//! Why the schema could not be looked at or changed.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::migrate::MigrateError;

use super::Holder;
use crate::connection;
use crate::programs;
use crate::server::ServerError;

/// Why the schema could not be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The asynchronous runtime does not start.
    #[error("start the runtime")]
    Runtime(#[source] std::io::Error),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
    /// No connection.
    #[error(transparent)]
    Connection(#[from] connection::Error),
    /// The directory cannot be used.
    #[error("read migrations from {}", path.display())]
    Source {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: MigrateError,
    },
    /// A number that no order can be told from.
    #[error("read migrations: {0} is no number for one; they begin with 1")]
    NotANumber(i64),
    /// Two files for the same thing.
    #[error("read migrations: there are two for number {0}")]
    Repeated(i64),
    /// A way back from nowhere.
    #[error("read migrations: number {0} has only a way back")]
    NoWayThere(i64),
    /// A script that would leave its transaction.
    #[error(
        "read migration {version}: line {line} ({statement}) begins or ends a transaction, which is not the script's own"
    )]
    TransactionControl {
        /// The migration.
        version: i64,
        /// The line in its script.
        line: usize,
        /// The statement.
        statement: String,
    },
    /// Somebody else migrates.
    #[error("wait for other migrations: after {} s the database is still locked{}", patience.as_secs_f64(), held_by(holder))]
    Locked {
        /// How long was waited.
        patience: Duration,
        /// By whom, if that can be told.
        holder: Option<Holder>,
    },
    /// The server does not have pg_af.
    #[error("create extension pg_af: it is not installed on the server")]
    ExtensionMissing,
    /// The database cannot hold pg_af.
    #[error("create extension pg_af: the encoding of the database is {0}, not UTF8")]
    Encoding(String),
    /// A schema is asked for where everything goes into a database of its own.
    #[error("test migrations: --schema makes no difference in a scratch database")]
    SchemaChosen,
    /// A program of PostgreSQL's cannot be used.
    #[error(transparent)]
    Program(#[from] programs::Error),
    /// There is no such migration.
    #[error("there is no migration {0}")]
    NoSuchMigration(i64),
    /// Up to where the database is already.
    #[error("migrate up to {to}: the database is at {newest}")]
    AlreadyBeyond {
        /// What was wanted.
        to: i64,
        /// Where it is.
        newest: i64,
    },
    /// Down to where the database is not yet.
    #[error("migrate down to {to}: the database is at {newest}")]
    NotThatFar {
        /// What was wanted.
        to: i64,
        /// Where it is.
        newest: i64,
    },
    /// Further back than the beginning.
    #[error("migrate down {steps} steps: {applied} migrations are applied")]
    TooManySteps {
        /// What was wanted.
        steps: usize,
        /// How many there are.
        applied: usize,
    },
    /// A migration that came later than one with a higher number.
    #[error("apply migration {version}: it is older than migration {newest}, which is applied")]
    OutOfOrder {
        /// The migration.
        version: i64,
        /// The newest that is applied.
        newest: i64,
    },
    /// A migration that is begun.
    #[error("migration {0} was begun and did not come to its end")]
    Incomplete(i64),
    /// A migration that the source does not have.
    #[error("migration {0} is applied, but missing in these migrations")]
    Missing(i64),
    /// A migration whose text was another one.
    #[error("migration {0} was modified after it was applied")]
    Modified(i64),
    /// A migration has no way back.
    #[error("revert migration {0}: it has no down script")]
    Irreversible(i64),
    /// What a way back destroys cannot be found out.
    #[error(
        "revert migration {0}: its script runs outside a transaction, so that what it destroys cannot be foreseen"
    )]
    Unforeseeable(i64),
    /// A statement of a script failed.
    #[error("{verb} migration {version}, line {line} ({statement})")]
    Statement {
        /// What was done with the migration.
        verb: &'static str,
        /// The migration.
        version: i64,
        /// The line in its script.
        line: usize,
        /// The statement's beginning.
        statement: String,
        /// Whether all that the script did before is undone.
        is_undone: bool,
        /// What the server said.
        source: ServerError,
    },
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: String,
        /// What it said.
        source: ServerError,
    },
}

fn held_by(holder: &Option<Holder>) -> String {
    holder.as_ref().map_or_else(String::new, |holder| format!(" by {holder}"))
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Connection(error) => return error.hint(),
            Self::Program(error) => return error.hint(),
            Self::Statement { is_undone: false, .. } => {
                "What the script did before that line stays, and the migration is marked as begun: set it right by hand, then delete its row from _sqlx_migrations."
            }
            Self::Server { source, .. } | Self::Statement { source, .. } => return source.hint(),
            Self::TransactionControl { .. } => {
                "Each migration runs in one transaction, unless the first line of its script is `-- no-transaction`."
            }
            Self::Locked { .. } => {
                "Run this again when the other one is done, or give --lock-timeout more time."
            }
            Self::ExtensionMissing => {
                "Install it there (`make install` in pg_af's sources, for the server's pg_config), then run this again."
            }
            Self::Encoding(_) => {
                "JSON needs Unicode: create the database with ENCODING 'UTF8' TEMPLATE template0."
            }
            Self::NoSuchMigration(_) => "`af-tools migrate status` lists them.",
            Self::AlreadyBeyond { .. } => "`af-tools migrate down --to` leads back.",
            Self::NotThatFar { .. } => "`af-tools migrate up --to` leads there.",
            Self::TooManySteps { .. } => "`af-tools migrate down --to 0` reverts all.",
            Self::OutOfOrder { .. } => {
                "Give it a number after the newest, or say --allow-out-of-order if it fits where the database is now."
            }
            Self::Incomplete(_) => {
                "Set right by hand what it left (an invalid index?), then delete its row from _sqlx_migrations, or set success there."
            }
            Self::Missing(_) => "A newer af-tools has migrated this database; use that one.",
            Self::Modified(_) => {
                "An applied migration must not be edited: restore its text, and put the change into a new one."
            }
            Self::Irreversible(_) => "Nothing was reverted; --to keeps what must stay.",
            Self::Unforeseeable(_) => "Nothing was reverted; --allow-data-loss goes on all the same.",
            Self::Runtime(_)
            | Self::SchemaChosen
            | Self::Interrupted
            | Self::Source { .. }
            | Self::NotANumber(_)
            | Self::Repeated(_)
            | Self::NoWayThere(_) => return None,
        };
        Some(hint.to_owned())
    }
}
