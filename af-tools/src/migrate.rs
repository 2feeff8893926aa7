//! The schema: pg_af's migrations, in sqlx's form and with sqlx's book-keeping, over a connection of ours.
//!
//! sqlx reads the migrations, and `sqlx migrate` works on the same database. Its own connection is not used: it
//! trusts the system's certificates beside those of `sslrootcert`, and passes over `channel_binding`, `hostaddr`
//! and `target_session_attrs`.

mod error;
mod history;
mod loss;
mod round_trip;
mod run;
mod source;
mod statements;

use std::time::Duration;

use serde::Serialize;

use self::history::Applied;
use self::run::Run;

pub use self::error::Error;
pub use self::history::{History, Holder};
pub use self::loss::{Loss, Lost};
pub use self::round_trip::{EXPECTED, Finding, RoundTrip, Stage, round_trip};
pub use self::source::{Migrations, Source};
pub(crate) use self::source::{checksums_of, newest_version};

/// How a migration stands to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is applied.
    Applied,
    /// It is to be applied.
    Pending,
    /// It is applied, but its text was another one.
    Modified,
    /// It is applied, but the source does not have it.
    Missing,
    /// It is not applied, but a newer one is.
    OutOfOrder,
    /// Somebody began it outside a transaction and did not come to its end.
    Incomplete,
}

impl State {
    /// Whether database and source have gone different ways.
    pub fn is_drift(self) -> bool {
        !matches!(self, Self::Applied | Self::Pending)
    }
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub description: String,
    /// How it stands to the database.
    pub state: State,
}

/// Follows the work.
pub trait Observer {
    /// Another session migrates this database, and is waited for.
    fn waits_for(&mut self, _holder: &Holder) {}
    /// This migration is applied now, or reverted.
    fn begins(&mut self, _migration: &Migration) {}
    /// Whether the work should be given up before the next migration.
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Nobody follows.
impl Observer for () {}

/// How to migrate up.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// The last migration to apply; all where none is given.
    pub to: Option<i64>,
    /// Also apply migrations that are older than one that is applied.
    pub allow_out_of_order: bool,
    /// Apply nothing, but say what would be applied.
    pub dry_run: bool,
    /// How long to wait for other migrators, and for each lock on a table.
    pub lock_timeout: Duration,
}

/// How long other migrators, and locks on tables, are waited for where nobody says.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(60);

impl Default for UpOptions {
    fn default() -> Self {
        Self { to: None, allow_out_of_order: false, dry_run: false, lock_timeout: DEFAULT_LOCK_TIMEOUT }
    }
}

/// How far to migrate down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The newest, if there is one.
    Newest,
    /// So many.
    Steps(usize),
    /// All that are newer than this one; 0 is before the first.
    Version(i64),
}

/// How to migrate down.
#[derive(Debug, Clone)]
pub struct DownOptions {
    /// How far.
    pub target: Target,
    /// Go on when tables or columns are dropped that hold something.
    pub allow_data_loss: bool,
    /// Revert nothing, but say what would be reverted and lost.
    pub dry_run: bool,
    /// How long to wait for other migrators, and for each lock on a table.
    pub lock_timeout: Duration,
}

/// What migrating down came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descent {
    /// The migrations concerned, newest first.
    pub migrations: Vec<Migration>,
    /// What was lost, or would be.
    pub losses: Vec<Loss>,
    /// Whether it was done. It is not when nobody wanted that, or when something would be lost and nobody allowed that.
    pub is_done: bool,
}

/// Applies what is pending, each migration in a transaction of its own. Returns what was applied now, or would be.
pub fn up(
    history: &mut History,
    migrations: &Migrations,
    options: &UpOptions,
    observer: &mut dyn Observer,
) -> Result<Vec<Migration>, Error> {
    history.lock(options.lock_timeout, &mut |holder| observer.waits_for(holder))?;
    let applied = history.read()?;
    let mut pending = compare(migrations, &applied);
    require_fit(&pending)?;
    let newest = applied.last().map_or(0, |applied| applied.version);
    if let Some(to) = options.to {
        migrations.step(to).ok_or(Error::NoSuchMigration(to))?;
        if to < newest {
            return Err(Error::AlreadyBeyond { to, newest });
        }
        pending.retain(|migration| migration.version <= to);
    }
    pending.retain(|migration| migration.state != State::Applied);
    match pending.iter().find(|migration| migration.state == State::OutOfOrder) {
        Some(old) if !options.allow_out_of_order => {
            return Err(Error::OutOfOrder { version: old.version, newest });
        }
        _ => {}
    }
    if migrations.is_embedded() && !pending.is_empty() {
        history.require_ground()?;
    }
    if options.dry_run {
        return Ok(pending);
    }
    for migration in &mut pending {
        if observer.is_interrupted() {
            return Err(Error::Interrupted);
        }
        observer.begins(migration);
        let step = migrations.step(migration.version).ok_or(Error::NoSuchMigration(migration.version))?;
        history.apply(step)?;
        migration.state = State::Applied;
    }
    Ok(pending)
}

/// Reverts the newest migrations, all in one transaction.
pub fn down(
    history: &mut History,
    migrations: &Migrations,
    options: &DownOptions,
    observer: &mut dyn Observer,
) -> Result<Descent, Error> {
    history.lock(options.lock_timeout, &mut |holder| observer.waits_for(holder))?;
    let mut applied = compare(migrations, &history.read()?);
    require_fit(&applied)?;
    applied.retain(|migration| migration.state == State::Applied);
    applied.reverse();
    let reverted = chosen(&applied, migrations, options.target)?;
    let mut runs = Vec::new();
    for migration in &reverted {
        let down = migrations.step(migration.version).and_then(|step| step.down.as_ref());
        let script = down.ok_or(Error::Irreversible(migration.version))?;
        runs.push(Run { verb: "revert", version: migration.version, script });
    }
    let blind = runs.iter().find(|run| !run.script.is_transactional);
    if let Some(blind) = blind.filter(|_| options.dry_run || !options.allow_data_loss) {
        return Err(Error::Unforeseeable(blind.version));
    }
    let losses = match blind {
        None => {
            reverted.iter().for_each(|migration| observer.begins(migration));
            history.revert(&runs, options.allow_data_loss, options.dry_run)?
        }
        Some(_) => {
            let mut losses = Vec::new();
            for (run, migration) in runs.iter().zip(&reverted) {
                if observer.is_interrupted() {
                    return Err(Error::Interrupted);
                }
                observer.begins(migration);
                if run.script.is_transactional {
                    losses.extend(history.revert(&[*run], true, false)?);
                } else {
                    history.revert_without_transaction(run)?;
                }
            }
            losses
        }
    };
    let is_done = !options.dry_run && (losses.is_empty() || options.allow_data_loss);
    let state = if is_done { State::Pending } else { State::Applied };
    let migrations = reverted.into_iter().map(|migration| Migration { state, ..migration }).collect();
    Ok(Descent { migrations, losses, is_done })
}

/// How all migrations stand to the database, which is not changed.
pub fn status(history: &mut History, migrations: &Migrations) -> Result<Vec<Migration>, Error> {
    Ok(compare(migrations, &history.read()?))
}

/// Those of the applied migrations, newest first, that are to be reverted.
fn chosen(applied: &[Migration], migrations: &Migrations, target: Target) -> Result<Vec<Migration>, Error> {
    let count = match target {
        Target::Newest => applied.len().min(1),
        Target::Steps(steps) if steps > applied.len() => {
            return Err(Error::TooManySteps { steps, applied: applied.len() });
        }
        Target::Steps(steps) => steps,
        Target::Version(to) => {
            if to != 0 && migrations.step(to).is_none() {
                return Err(Error::NoSuchMigration(to));
            }
            let newest = applied.first().map_or(0, |migration| migration.version);
            if to > newest {
                return Err(Error::NotThatFar { to, newest });
            }
            applied.iter().filter(|migration| migration.version > to).count()
        }
    };
    Ok(applied[..count].to_vec())
}

/// Fails where the database has what the source does not have, or has otherwise, or half of something.
fn require_fit(migrations: &[Migration]) -> Result<(), Error> {
    for Migration { version, state, .. } in migrations {
        match state {
            State::Incomplete => return Err(Error::Incomplete(*version)),
            State::Missing => return Err(Error::Missing(*version)),
            State::Modified => return Err(Error::Modified(*version)),
            State::Applied | State::Pending | State::OutOfOrder => {}
        }
    }
    Ok(())
}

fn compare(migrations: &Migrations, applied: &[Applied]) -> Vec<Migration> {
    let newest = applied.last().map_or(0, |applied| applied.version);
    let found = |version| applied.iter().find(|applied| applied.version == version);
    let mut all: Vec<Migration> = migrations
        .steps()
        .iter()
        .map(|step| {
            let state = match found(step.version) {
                None if step.version < newest => State::OutOfOrder,
                None => State::Pending,
                Some(applied) if !applied.is_complete => State::Incomplete,
                Some(applied) if step.up.is(&applied.checksum) => State::Applied,
                Some(_) => State::Modified,
            };
            Migration { version: step.version, description: step.description.clone(), state }
        })
        .collect();
    all.extend(applied.iter().filter(|applied| migrations.step(applied.version).is_none()).map(|applied| {
        let state = if applied.is_complete { State::Missing } else { State::Incomplete };
        Migration { version: applied.version, description: applied.description.clone(), state }
    }));
    all.sort_by_key(|migration| migration.version);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(version: i64, checksum: &[u8], is_complete: bool) -> Applied {
        Applied { version, description: "x".to_owned(), checksum: checksum.to_vec(), is_complete }
    }

    #[test]
    fn tells_how_each_migration_stands() {
        let migrations = Migrations::read(&Source::Embedded).unwrap();
        let [first, second, ..] = migrations.steps() else { panic!("too few migrations") };
        let states = |applied: &[Applied]| -> Vec<State> {
            compare(&migrations, applied).iter().map(|one| one.state).collect()
        };
        let of = |step: &source::Step| applied(step.version, &step.up.checksum, true);
        assert_eq!(states(&[])[..2], [State::Pending, State::Pending]);
        assert_eq!(states(&[of(first)])[..2], [State::Applied, State::Pending]);
        assert_eq!(states(&[of(second)])[..2], [State::OutOfOrder, State::Applied]);
        assert_eq!(states(&[applied(first.version, b"other", true)])[0], State::Modified);
        assert_eq!(states(&[applied(first.version, &first.up.checksum, false)])[0], State::Incomplete);
        assert_eq!(states(&[applied(i64::MAX, b"", true)]).last(), Some(&State::Missing));
    }

    #[test]
    fn a_way_back_leads_to_where_something_was() {
        let migrations = Migrations::read(&Source::Embedded).unwrap();
        let newest_first: Vec<Migration> = [2, 1]
            .map(|version| Migration { version, description: String::new(), state: State::Applied })
            .to_vec();
        let versions = |applied: &[Migration], target| {
            chosen(applied, &migrations, target).map(|chosen| chosen.iter().map(|one| one.version).collect())
        };
        let ok = |target| -> Vec<i64> { versions(&newest_first, target).unwrap() };
        assert_eq!(ok(Target::Newest), [2]);
        assert_eq!(ok(Target::Steps(2)), [2, 1]);
        assert_eq!(ok(Target::Version(0)), [2, 1]);
        assert_eq!(ok(Target::Version(1)), [2]);
        assert_eq!(ok(Target::Version(2)), [0; 0]);
        assert_eq!(versions(&[], Target::Newest).unwrap(), [0; 0]);
        let refused = |target| versions(&newest_first, target).unwrap_err();
        assert!(matches!(refused(Target::Steps(3)), Error::TooManySteps { steps: 3, applied: 2 }));
        assert!(matches!(refused(Target::Version(3)), Error::NotThatFar { to: 3, newest: 2 }));
        assert!(matches!(refused(Target::Version(99)), Error::NoSuchMigration(99)));
    }
}
