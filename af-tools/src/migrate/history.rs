//! What a database knows of its migrations: the table that sqlx keeps, so that `sqlx migrate` can go on
//! where this stops, and the other way round.

use std::fmt;
use std::time::Duration;

use flate2::Crc;
use postgres::error::SqlState;
use postgres::{Client, GenericClient};

use super::Error;
use super::loss::{self, Loss};
use super::run::Run;
use super::source::{Script, Step};
use crate::connection::{self, Canceller, Connection, Settings, select_schema};
use crate::server::quote_ident;

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations ( \
     version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), \
     success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL)";

/// A migration that the table lists.
pub(super) struct Applied {
    pub(super) version: i64,
    pub(super) description: String,
    pub(super) checksum: Vec<u8>,
    /// False where somebody began it and did not come to its end.
    pub(super) is_complete: bool,
}

/// Another session that migrates this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its server process.
    pub pid: i32,
    /// Its role.
    pub user: Option<String>,
    /// What it calls itself.
    pub application: Option<String>,
    /// Where it comes from; nothing for a Unix socket, and for who may not know.
    pub address: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server process {}", self.pid)?;
        if let Some(application) = self.application.as_deref().filter(|name| !name.is_empty()) {
            write!(f, ", {application}")?;
        }
        if let Some(user) = &self.user {
            write!(f, " as {user}")?;
        }
        match &self.address {
            Some(address) => write!(f, " from {address}"),
            None => Ok(()),
        }
    }
}

/// A session that looks at the table and writes to it.
pub struct History {
    connection: Connection,
    /// A schema that is to be created together with the first migration.
    new_schema: Option<String>,
}

fn doing(doing: impl Into<String>) -> impl FnOnce(postgres::Error) -> Error {
    move |error| Error::Server { doing: doing.into(), source: error.into() }
}

impl History {
    /// Of a schema that exists.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        Ok(Self { connection: Connection::open(settings)?, new_schema: None })
    }

    /// Of a schema that need not exist: whatever comes to be, comes with the first migration or not at all.
    pub fn open_or_begin(settings: &Settings) -> Result<Self, Error> {
        let mut connection = Connection::connect(settings)?;
        let new_schema = match &settings.schema {
            Some(schema) if !select_schema(&mut connection.client, schema)? => Some(schema.clone()),
            _ => None,
        };
        Ok(Self { connection, new_schema })
    }

    /// By a session that is open already.
    pub(crate) fn of(connection: Connection) -> Self {
        Self { connection, new_schema: None }
    }

    /// The session, for other work.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// What can cancel this session's queries.
    pub fn canceller(&self) -> Canceller {
        self.connection.canceller()
    }

    fn client(&mut self) -> &mut Client {
        &mut self.connection.client
    }

    /// Waits until nobody else migrates this database, at most so long; holds until the session ends. From then on no
    /// statement of this session waits longer for a lock. Who is waited for is told to `on_wait`.
    pub(super) fn lock(&mut self, patience: Duration, on_wait: &mut dyn FnMut(&Holder)) -> Result<(), Error> {
        const DOING: &str = "wait for other migrations";
        const TRY: &str = "SELECT pg_try_advisory_lock($1)";
        // To the server, 0 is for ever, and this is the longest.
        let milliseconds = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX).max(1);
        let set = format!("SET lock_timeout = {milliseconds}");
        self.client().batch_execute(&set).map_err(doing("set lock_timeout"))?;
        let number = self.lock_number()?;
        if self.client().query_one(TRY, &[&number]).map_err(doing(DOING))?.get(0) {
            return Ok(());
        }
        let holder = self.holder(number)?;
        if let Some(holder) = &holder {
            on_wait(holder);
        }
        match self.client().execute("SELECT pg_advisory_lock($1)", &[&number]) {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                // It may be another one by now.
                Err(Error::Locked { patience, holder: self.holder(number)?.or(holder) })
            }
            Err(error) => Err(doing(DOING)(error)),
        }
    }

    /// The lock's number is sqlx's.
    fn lock_number(&mut self) -> Result<i64, Error> {
        const FACTOR: i64 = 0x3d32_ad9e;
        let database = self.client().query_one("SELECT current_database()::text", &[]);
        let database: String = database.map_err(doing("look up the database's name"))?.get(0);
        let mut crc = Crc::new();
        crc.update(database.as_bytes());
        Ok(FACTOR * i64::from(crc.sum()))
    }

    fn holder(&mut self, number: i64) -> Result<Option<Holder>, Error> {
        const HOLDER: &str = "SELECT l.pid, a.usename::text, a.application_name, a.client_addr::text \
             FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid) \
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
               AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
               AND (l.classid::bigint << 32) | l.objid::bigint = $1";
        let row = self.client().query_opt(HOLDER, &[&number]).map_err(doing("look up who migrates"))?;
        Ok(row.map(|row| Holder {
            pid: row.get(0),
            user: row.get(1),
            application: row.get(2),
            address: row.get(3),
        }))
    }

    /// What is applied, in order.
    pub(super) fn read(&mut self) -> Result<Vec<Applied>, Error> {
        const DOING: &str = "look up migrations";
        // Only the schema where the tables go counts, not one that comes later on the search_path.
        const EXISTS: &str =
            "SELECT to_regclass(quote_ident(current_schema()) || '._sqlx_migrations') IS NOT NULL";
        const LIST: &str =
            "SELECT version, description, checksum, success FROM _sqlx_migrations ORDER BY version";
        if self.new_schema.is_some()
            || !self.client().query_one(EXISTS, &[]).map_err(doing(DOING))?.get::<_, bool>(0)
        {
            return Ok(Vec::new());
        }
        let mut applied = Vec::new();
        for row in self.client().query(LIST, &[]).map_err(doing(DOING))? {
            // The table may be anybody's: what does not fit is an error and no panic.
            applied.push(Applied {
                version: row.try_get(0).map_err(doing(DOING))?,
                description: row.try_get(1).map_err(doing(DOING))?,
                checksum: row.try_get(2).map_err(doing(DOING))?,
                is_complete: row.try_get(3).map_err(doing(DOING))?,
            });
        }
        Ok(applied)
    }

    /// Fails where the extension cannot be created, before anything is.
    pub(super) fn require_ground(&mut self) -> Result<(), Error> {
        const DOING: &str = "look up extension pg_af";
        const GROUND: &str = "SELECT current_setting('server_encoding'), \
             EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_af')";
        let row = self.client().query_one(GROUND, &[]).map_err(doing(DOING))?;
        match (row.get::<_, String>(0), row.get(1)) {
            (encoding, _) if encoding != "UTF8" => Err(Error::Encoding(encoding)),
            (_, true) => Ok(()),
            (_, false) => Err(Error::ExtensionMissing),
        }
    }

    /// Applies a migration and notes it, in one transaction if it can run in one. One that cannot is noted as begun
    /// first: whoever comes after a failure has to know.
    pub(super) fn apply(&mut self, step: &Step) -> Result<(), Error> {
        let run = Run { verb: "apply", version: step.version, script: &step.up };
        let new_schema = self.new_schema.take();
        if step.up.is_transactional {
            let mut transaction = self.client().transaction().map_err(run.failed())?;
            begin(&mut transaction, new_schema.as_deref(), &run)?;
            let time = run.execute(&mut transaction)?;
            note(&mut transaction, step, Some(time), &run)?;
            transaction.commit().map_err(run.failed())
        } else {
            begin(self.client(), new_schema.as_deref(), &run)?;
            note(self.client(), step, None, &run)?;
            let time = run.execute(self.client())?;
            note(self.client(), step, Some(time), &run)
        }
    }

    /// Reverts migrations by their scripts, in this order, and forgets them: all or none. Returns what is lost by it.
    /// When something is, and `allow_loss` is not set, nothing is reverted; nor with `dry_run`.
    pub(super) fn revert(
        &mut self,
        runs: &[Run<'_>],
        allow_loss: bool,
        dry_run: bool,
    ) -> Result<Vec<Loss>, Error> {
        let mut transaction = self.client().transaction().map_err(doing("begin to revert"))?;
        let mut losses = Vec::new();
        for run in runs {
            losses.extend(loss::rehearse(&mut transaction, run)?);
            run.execute(&mut transaction)?;
            forget(&mut transaction, run)?;
        }
        if dry_run || (!losses.is_empty() && !allow_loss) {
            transaction.rollback().map_err(doing("undo the rehearsal"))?;
        } else {
            transaction.commit().map_err(doing("commit what was reverted"))?;
        }
        Ok(losses)
    }

    /// Reverts one that cannot run in a transaction. What it destroys is not known; where it fails, it stays in the book
    /// as begun.
    pub(super) fn revert_without_transaction(&mut self, run: &Run<'_>) -> Result<(), Error> {
        const BEGUN: &str = "UPDATE _sqlx_migrations SET success = false WHERE version = $1";
        self.client().execute(BEGUN, &[&run.version]).map_err(run.failed())?;
        run.execute(self.client())?;
        forget(self.client(), run)
    }
}

/// Makes what the first migration needs.
fn begin(client: &mut impl GenericClient, new_schema: Option<&str>, run: &Run<'_>) -> Result<(), Error> {
    if let Some(schema) = new_schema {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quote_ident(schema));
        client.batch_execute(&create).map_err(doing(format!("create schema \"{schema}\"")))?;
        if !select_schema(client, schema)? {
            return Err(connection::Error::NoSuchSchema(schema.to_owned()).into());
        }
    }
    client.batch_execute(CREATE_TABLE).map_err(run.failed())
}

/// Notes a migration: as begun, without a time, or as applied in this time.
fn note(
    client: &mut impl GenericClient,
    step: &Step,
    time: Option<Duration>,
    run: &Run<'_>,
) -> Result<(), Error> {
    const NOTE: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (version) DO UPDATE SET success = excluded.success, execution_time = excluded.execution_time";
    // sqlx writes -1 before it knows.
    let nanoseconds = time.map_or(-1, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
    let Step { version, description, up: Script { checksum, .. }, .. } = step;
    client
        .execute(NOTE, &[version, description, &time.is_some(), checksum, &nanoseconds])
        .map_err(run.failed())?;
    Ok(())
}

fn forget(client: &mut impl GenericClient, run: &Run<'_>) -> Result<(), Error> {
    client
        .execute("DELETE FROM _sqlx_migrations WHERE version = $1", &[&run.version])
        .map_err(run.failed())?;
    Ok(())
}
