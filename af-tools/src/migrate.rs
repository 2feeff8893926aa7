//! The schema: pg_af's migrations, in sqlx's form and with sqlx's book-keeping, over a connection of ours.
//!
//! sqlx reads the migrations, and `sqlx migrate` works on the same database. Its own connection is not used: it
//! trusts the system's certificates beside those of `sslrootcert`, and passes over `channel_binding`, `hostaddr`
//! and `target_session_attrs`.

mod history;

use std::path::{Path, PathBuf};

use serde::Serialize;
use sqlx::migrate::{MigrateError, Migration as Script, MigrationType, Migrator};

use self::history::{Applied, History};
use crate::connection::{self, Settings};
use crate::server::ServerError;

/// The migrations of this build.
static EMBEDDED: Migrator = sqlx::migrate!("../sql/migrations");

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
    /// The database cannot hold pg_af.
    #[error("create extension pg_af: the encoding of the database is {0}, not UTF8")]
    Encoding(String),
    /// A migration has no way back.
    #[error("revert migration {0}: it has no down script")]
    Irreversible(i64),
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
            Self::Encoding(_) => {
                "JSON needs Unicode: create the database with ENCODING 'UTF8' TEMPLATE template0."
            }
            Self::Irreversible(_) => "Nothing was reverted; --target keeps what must stay.",
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

/// Applies what is pending. Returns what was applied now.
pub fn up(settings: &Settings, source: &Source) -> Result<Vec<Migration>, Error> {
    let migrator = read(source)?;
    let mut history = History::open_or_begin(settings)?;
    history.lock()?;
    let applied = history.read()?;
    require_fit(&migrator, &applied)?;
    let mut migrations = compare(&migrator, &applied);
    if let Some(changed) = migrations.iter().find(|migration| migration.state == State::Changed) {
        return Err(Error::Migrate(MigrateError::VersionMismatch(changed.version)));
    }
    migrations.retain(|migration| migration.state == State::Pending);
    if matches!(source, Source::Embedded) && !migrations.is_empty() {
        history.require_ground()?;
    }
    for migration in &mut migrations {
        let script = script(&migrator, migration.version, |kind| !kind.is_down_migration());
        history.apply(script.ok_or(Error::Migrate(MigrateError::VersionNotPresent(migration.version)))?)?;
        migration.state = State::Applied;
    }
    Ok(migrations)
}

/// Reverts the newest migration, or all that are newer than `target`. Returns what was reverted.
pub fn down(settings: &Settings, source: &Source, target: Option<i64>) -> Result<Vec<Migration>, Error> {
    let migrator = read(source)?;
    let mut history = History::open(settings)?;
    history.lock()?;
    let applied = history.read()?;
    require_fit(&migrator, &applied)?;
    let mut migrations = compare(&migrator, &applied);
    migrations.retain(|migration| migration.state != State::Pending);
    let second_newest = match migrations.as_slice() {
        [.., before, _] => before.version,
        _ => 0,
    };
    let target = target.unwrap_or(second_newest);
    migrations.retain(|migration| migration.version > target);
    migrations.reverse();
    let way_back = |migration: &Migration| {
        let script = script(&migrator, migration.version, |kind| kind.is_down_migration());
        script.ok_or(Error::Irreversible(migration.version))
    };
    // All of them, before the first is reverted.
    let scripts = migrations.iter().map(way_back).collect::<Result<Vec<_>, _>>()?;
    for script in scripts {
        history.revert(script)?;
    }
    Ok(migrations.into_iter().map(|migration| Migration { state: State::Pending, ..migration }).collect())
}

/// How all migrations stand to the database, which is not changed.
pub fn status(settings: &Settings, source: &Source) -> Result<Vec<Migration>, Error> {
    let migrator = read(source)?;
    let applied = History::open(settings)?.read()?;
    Ok(compare(&migrator, &applied))
}

fn read(source: &Source) -> Result<Migrator, Error> {
    let path = match source {
        Source::Embedded => return Ok(Migrator::with_migrations(EMBEDDED.iter().cloned().collect())),
        Source::Directory(path) => path,
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let migrator = runtime.block_on(Migrator::new(Path::new(path)));
    migrator.map_err(|source| Error::Source { path: path.clone(), source })
}

/// Fails where the database has what the source does not have, or half of something.
fn require_fit(migrator: &Migrator, applied: &[Applied]) -> Result<(), Error> {
    if let Some(begun) = applied.iter().find(|applied| !applied.is_complete) {
        return Err(Error::Migrate(MigrateError::Dirty(begun.migration.version)));
    }
    match applied.iter().find(|applied| !migrator.version_exists(applied.migration.version)) {
        Some(unknown) => Err(Error::Migrate(MigrateError::VersionMissing(unknown.migration.version))),
        None => Ok(()),
    }
}

fn script(migrator: &Migrator, version: i64, fits: impl Fn(MigrationType) -> bool) -> Option<&Script> {
    migrator.iter().find(|script| script.version == version && fits(script.migration_type))
}

fn compare(migrator: &Migrator, applied: &[Applied]) -> Vec<Migration> {
    let applied = || applied.iter().map(|applied| &applied.migration);
    let ups =
        || migrator.iter().filter(|migration| migration.migration_type != MigrationType::ReversibleDown);
    let mut migrations: Vec<Migration> = ups()
        .map(|migration| {
            let state = match applied().find(|applied| applied.version == migration.version) {
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
    let unknown = applied().filter(|applied| ups().all(|migration| migration.version != applied.version));
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
    use sqlx::migrate::AppliedMigration;

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
        let applied = |version, checksum: &[u8]| Applied {
            migration: AppliedMigration { version, checksum: checksum.to_vec().into() },
            is_complete: true,
        };
        let first = EMBEDDED.iter().next().unwrap();
        let state = |applied: &[Applied]| -> Vec<(i64, State)> {
            compare(&EMBEDDED, applied).into_iter().map(|one| (one.version, one.state)).collect()
        };
        assert_eq!(state(&[])[0], (first.version, State::Pending));
        assert_eq!(state(&[applied(first.version, &first.checksum)])[0], (first.version, State::Applied));
        assert_eq!(state(&[applied(first.version, b"other")])[0], (first.version, State::Changed));
        assert_eq!(state(&[applied(i64::MAX, b"")]).last(), Some(&(i64::MAX, State::Unknown)));
    }
}
