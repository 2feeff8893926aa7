//! What a database knows of its migrations: the table that sqlx keeps, so that `sqlx migrate` can go on
//! where this stops, and the other way round.

use std::time::Instant;

use flate2::Crc;
use postgres::{Client, GenericClient};
use sqlx::migrate::{AppliedMigration, Migration as Script};

use super::Error;
use crate::connection::{self, Connection, Settings, select_schema};
use crate::server::{ServerError, quote_ident};

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations ( \
     version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), \
     success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL)";

/// A migration that the table lists.
pub(super) struct Applied {
    pub(super) migration: AppliedMigration,
    /// False where somebody began it and did not come to its end.
    pub(super) is_complete: bool,
}

/// A session that looks at the table and writes to it.
pub(super) struct History {
    client: Client,
    /// A schema that is to be created together with the first migration.
    new_schema: Option<String>,
}

fn doing(doing: &'static str) -> impl FnOnce(postgres::Error) -> Error {
    move |error| Error::Server { doing: doing.to_owned(), source: error.into() }
}

impl History {
    /// Of a schema that exists.
    pub(super) fn open(settings: &Settings) -> Result<Self, Error> {
        Ok(Self { client: Connection::open(settings)?.client, new_schema: None })
    }

    /// Of a schema that need not exist: whatever comes to be, comes with the first migration or not at all.
    pub(super) fn open_or_begin(settings: &Settings) -> Result<Self, Error> {
        let mut client = Connection::connect(settings)?.client;
        let new_schema = match &settings.schema {
            Some(schema) if !select_schema(&mut client, schema)? => Some(schema.clone()),
            _ => None,
        };
        Ok(Self { client, new_schema })
    }

    /// Waits until nobody else migrates this database; holds until the session ends. The number is sqlx's.
    pub(super) fn lock(&mut self) -> Result<(), Error> {
        const DOING: &str = "wait for other migrations";
        const FACTOR: i64 = 0x3d32_ad9e;
        let database: String =
            self.client.query_one("SELECT current_database()::text", &[]).map_err(doing(DOING))?.get(0);
        let mut crc = Crc::new();
        crc.update(database.as_bytes());
        let number = FACTOR * i64::from(crc.sum());
        self.client.execute("SELECT pg_advisory_lock($1)", &[&number]).map_err(doing(DOING))?;
        Ok(())
    }

    /// What is applied, in order.
    pub(super) fn read(&mut self) -> Result<Vec<Applied>, Error> {
        const DOING: &str = "look up migrations";
        // Only the schema where the tables go counts, not one that comes later on the search_path.
        const EXISTS: &str =
            "SELECT to_regclass(quote_ident(current_schema()) || '._sqlx_migrations') IS NOT NULL";
        const LIST: &str = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
        if self.new_schema.is_some()
            || !self.client.query_one(EXISTS, &[]).map_err(doing(DOING))?.get::<_, bool>(0)
        {
            return Ok(Vec::new());
        }
        let mut applied = Vec::new();
        for row in self.client.query(LIST, &[]).map_err(doing(DOING))? {
            let checksum: Vec<u8> = row.try_get(1).map_err(doing(DOING))?;
            let version = row.try_get(0).map_err(doing(DOING))?;
            applied.push(Applied {
                migration: AppliedMigration { version, checksum: checksum.into() },
                is_complete: row.try_get(2).map_err(doing(DOING))?,
            });
        }
        Ok(applied)
    }

    /// Fails where the extension cannot be created, before anything is.
    pub(super) fn require_ground(&mut self) -> Result<(), Error> {
        const DOING: &str = "look up extension pg_af";
        const GROUND: &str = "SELECT current_setting('server_encoding'), \
             EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_af')";
        let row = self.client.query_one(GROUND, &[]).map_err(doing(DOING))?;
        match (row.get::<_, String>(0), row.get(1)) {
            (encoding, _) if encoding != "UTF8" => Err(Error::Encoding(encoding)),
            (_, true) => Ok(()),
            (_, false) => Err(Error::ExtensionMissing),
        }
    }

    /// Applies a migration and notes it, in one transaction if it can run in one.
    pub(super) fn apply(&mut self, script: &Script) -> Result<(), Error> {
        let what = format!("apply migration {}", script.version);
        let failed = |error: postgres::Error| server(&what, error);
        if script.no_tx {
            begin(&mut self.client, self.new_schema.take(), &what)?;
            return run_up(&mut self.client, script).map_err(failed);
        }
        let mut transaction = self.client.transaction().map_err(failed)?;
        begin(&mut transaction, self.new_schema.take(), &what)?;
        run_up(&mut transaction, script).map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Reverts a migration by its script, and forgets it.
    pub(super) fn revert(&mut self, script: &Script) -> Result<(), Error> {
        let what = format!("revert migration {}", script.version);
        let failed = |error: postgres::Error| server(&what, error);
        if script.no_tx {
            return run_down(&mut self.client, script).map_err(failed);
        }
        let mut transaction = self.client.transaction().map_err(failed)?;
        run_down(&mut transaction, script).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

fn server(doing: &str, error: postgres::Error) -> Error {
    Error::Server { doing: doing.to_owned(), source: ServerError::from(error) }
}

/// Makes what the first migration needs.
fn begin(client: &mut impl GenericClient, new_schema: Option<String>, what: &str) -> Result<(), Error> {
    if let Some(schema) = new_schema {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quote_ident(&schema));
        client
            .batch_execute(&create)
            .map_err(|error| server(&format!("create schema \"{schema}\""), error))?;
        if !select_schema(client, &schema)? {
            return Err(connection::Error::NoSuchSchema(schema).into());
        }
    }
    client.batch_execute(CREATE_TABLE).map_err(|error| server(what, error))
}

fn run_up(client: &mut impl GenericClient, script: &Script) -> Result<(), postgres::Error> {
    const NOTE: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES ($1, $2, true, $3, $4)";
    let start = Instant::now();
    client.batch_execute(script.sql.as_str())?;
    let nanoseconds = i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let (description, checksum) = (&*script.description, &*script.checksum);
    client.execute(NOTE, &[&script.version, &description, &checksum, &nanoseconds])?;
    Ok(())
}

fn run_down(client: &mut impl GenericClient, script: &Script) -> Result<(), postgres::Error> {
    client.batch_execute(script.sql.as_str())?;
    client.execute("DELETE FROM _sqlx_migrations WHERE version = $1", &[&script.version])?;
    Ok(())
}
