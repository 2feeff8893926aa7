//! The schema: pg_af's migrations, applied and reverted by sqlx's migrator.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, MigrationType, Migrator};
use sqlx::{Connection as _, PgConnection, Row};

use crate::connection::{self, Settings};
use crate::server::ServerError;

/// The migrations of this build.
static EMBEDDED: Migrator = sqlx::migrate!("../sql/migrations");
const TABLE: &str = "_sqlx_migrations";

/// Where migrations come from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// This build.
    #[default]
    Embedded,
    /// A directory with files named as sqlx names them.
    Directory(PathBuf),
}

/// How a migration stands to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is applied.
    Applied,
    /// It is to be applied.
    Pending,
    /// It is applied, but its text was another one.
    Changed,
    /// It is applied, but the source does not have it.
    Unknown,
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub description: Option<String>,
    /// How it stands to the database.
    pub state: State,
}

/// Why the schema could not be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The asynchronous runtime does not start.
    #[error("start the runtime")]
    Runtime(#[source] std::io::Error),
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
    /// The server does not have pg_af.
    #[error("create extension pg_af: it is not installed on the server")]
    ExtensionMissing,
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: String,
        /// What it said.
        source: ServerError,
    },
    /// Database and migrations do not fit together.
    #[error("migrate")]
    Migrate(#[source] MigrateError),
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Connection(error) => return error.hint(),
            Self::Server { source, .. } => return source.hint(),
            Self::ExtensionMissing => {
                "Install it there (`make install` in pg_af's sources, for the server's pg_config), then run this again."
            }
            Self::Migrate(MigrateError::VersionMissing(_)) => {
                "A newer af-tools has migrated this database; use that one."
            }
            Self::Migrate(MigrateError::VersionMismatch(_)) => {
                "An applied migration must not be edited: restore its text, and put the change into a new one."
            }
            Self::Runtime(_) | Self::Source { .. } | Self::Migrate(_) => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::ExecuteMigration(error, version) => {
                Self::Server { doing: format!("apply migration {version}"), source: error.into() }
            }
            MigrateError::Execute(error) => {
                Self::Server { doing: "migrate".to_owned(), source: error.into() }
            }
            other => Self::Migrate(other),
        }
    }
}

fn doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |error| Error::Server { doing: doing.to_owned(), source: error.into() }
}

/// Applies what is pending. Returns what was applied now.
pub fn up(settings: &Settings, source: &Source) -> Result<Vec<Migration>, Error> {
    block_on(async {
        let mut session = Session::open(settings, source, true).await?;
        let pending: Vec<_> =
            session.list().await?.into_iter().filter(|one| one.state == State::Pending).collect();
        if matches!(source, Source::Embedded) && !pending.is_empty() {
            session.require_extension().await?;
        }
        session.migrator.run(&mut session.connection).await?;
        session.close().await;
        Ok(pending.into_iter().map(|migration| Migration { state: State::Applied, ..migration }).collect())
    })
}

/// Reverts the newest migration, or all that are newer than `target`. Returns what was reverted.
pub fn down(settings: &Settings, source: &Source, target: Option<i64>) -> Result<Vec<Migration>, Error> {
    block_on(async {
        let mut session = Session::open(settings, source, false).await?;
        let mut applied = session.list().await?;
        applied.retain(|migration| migration.state != State::Pending);
        let second_newest = match applied.as_slice() {
            [.., before, _] => before.version,
            _ => 0,
        };
        let target = target.unwrap_or(second_newest);
        applied.retain(|migration| migration.version > target);
        if !applied.is_empty() {
            session.migrator.undo(&mut session.connection, target).await?;
        }
        session.close().await;
        applied.reverse();
        Ok(applied.into_iter().map(|migration| Migration { state: State::Pending, ..migration }).collect())
    })
}

/// How all migrations stand to the database, which is not changed.
pub fn status(settings: &Settings, source: &Source) -> Result<Vec<Migration>, Error> {
    block_on(async {
        let mut session = Session::open(settings, source, false).await?;
        let migrations = session.list().await?;
        session.close().await;
        Ok(migrations)
    })
}

fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(work)
}

struct Session {
    connection: PgConnection,
    migrator: Migrator,
}

impl Session {
    async fn open(settings: &Settings, source: &Source, create_schema: bool) -> Result<Self, Error> {
        let migrator = match source {
            Source::Embedded => Migrator::with_migrations(EMBEDDED.iter().cloned().collect()),
            Source::Directory(path) => Migrator::new(Path::new(path))
                .await
                .map_err(|source| Error::Source { path: path.clone(), source })?,
        };
        let connection = connection::connect_sqlx(settings, create_schema).await?;
        Ok(Self { connection, migrator })
    }

    /// All migrations that the source or the database knows, in order.
    async fn list(&mut self) -> Result<Vec<Migration>, Error> {
        // Only the schema where the tables go counts, not one that comes later on the search_path.
        const EXISTS: &str =
            "SELECT to_regclass(quote_ident(current_schema()) || '._sqlx_migrations') IS NOT NULL";
        let row =
            sqlx::query(EXISTS).fetch_one(&mut self.connection).await.map_err(doing("look up migrations"))?;
        let applied = match row.try_get(0).map_err(doing("look up migrations"))? {
            Some(true) => self.connection.list_applied_migrations(TABLE).await?,
            _ => Vec::new(),
        };
        Ok(compare(&self.migrator, &applied))
    }

    async fn require_extension(&mut self) -> Result<(), Error> {
        const INSTALLABLE: &str =
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_af')";
        const DOING: &str = "look up extension pg_af";
        let row = sqlx::query(INSTALLABLE).fetch_one(&mut self.connection).await.map_err(doing(DOING))?;
        if row.try_get(0).map_err(doing(DOING))? { Ok(()) } else { Err(Error::ExtensionMissing) }
    }

    /// The work is done by now; a connection that does not close properly changes nothing about it.
    async fn close(self) {
        let _ = self.connection.close().await;
    }
}

fn compare(migrator: &Migrator, applied: &[AppliedMigration]) -> Vec<Migration> {
    let ups =
        || migrator.iter().filter(|migration| migration.migration_type != MigrationType::ReversibleDown);
    let mut migrations: Vec<Migration> = ups()
        .map(|migration| {
            let state = match applied.iter().find(|applied| applied.version == migration.version) {
                None => State::Pending,
                Some(applied) if applied.checksum == migration.checksum => State::Applied,
                Some(_) => State::Changed,
            };
            Migration {
                version: migration.version,
                description: Some(migration.description.to_string()),
                state,
            }
        })
        .collect();
    let unknown =
        applied.iter().filter(|applied| ups().all(|migration| migration.version != applied.version));
    migrations.extend(unknown.map(|applied| Migration {
        version: applied.version,
        description: None,
        state: State::Unknown,
    }));
    migrations.sort_by_key(|migration| migration.version);
    migrations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_migration_can_be_reverted() {
        let versions = |kind| -> Vec<i64> {
            EMBEDDED.iter().filter(|one| one.migration_type == kind).map(|one| one.version).collect()
        };
        let ups = versions(MigrationType::ReversibleUp);
        assert!(!ups.is_empty());
        assert_eq!(ups, versions(MigrationType::ReversibleDown));
        assert_eq!(EMBEDDED.iter().count(), 2 * ups.len());
    }

    #[test]
    fn tells_applied_from_pending_changed_and_unknown() {
        let applied =
            |version, checksum: &[u8]| AppliedMigration { version, checksum: checksum.to_vec().into() };
        let first = EMBEDDED.iter().next().unwrap();
        let state = |applied: &[AppliedMigration]| -> Vec<(i64, State)> {
            compare(&EMBEDDED, applied).into_iter().map(|one| (one.version, one.state)).collect()
        };
        assert_eq!(state(&[])[0], (first.version, State::Pending));
        assert_eq!(state(&[applied(first.version, &first.checksum)])[0], (first.version, State::Applied));
        assert_eq!(state(&[applied(first.version, b"other")])[0], (first.version, State::Changed));
        assert_eq!(state(&[applied(i64::MAX, b"")]).last(), Some(&(i64::MAX, State::Unknown)));
    }
}
