//! `migrate test`: all the way up, and each step down and up again, on a database made for it. The schema is compared as
//! pg_dump tells it.

use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use postgres::Client;
use serde::Serialize;
use similar::TextDiff;

use super::{DownOptions, Error, History, Migrations, Observer, Target, UpOptions, down, up};
use crate::connection::{Connection, Settings};
use crate::programs;
use crate::server::quote_ident;

/// The schema that the migrations of this build lead to, in the form of [`RoundTrip::schema`].
pub const EXPECTED: &str = include_str!("../../../sql/schema.sql");

/// What the files with such a dump begin with.
const HEADER: &str = "-- What the migrations lead to, as pg_dump tells it. Written by `make generate`.\n\n";

/// How many lines around a difference are shown.
const CONTEXT_LINES: usize = 2;

/// Where the way was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The step up for the first time.
    Up,
    /// All the way up, compared with what is expected.
    Expected,
    /// The step down, compared with what was there before the step up.
    Down,
    /// The step up again, compared with what was there before the step down.
    UpAgain,
}

/// What is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The migration.
    pub version: i64,
    /// Where the way was.
    pub stage: Stage,
    /// Where the schema is another one: what should be (`-`) and what is (`+`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Where the script failed: why. The way ends there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What the way up and down came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundTrip {
    /// The server's major version.
    pub server: u32,
    /// The migrations that went up.
    pub applied: Vec<i64>,
    /// Those that went down and up again.
    pub reverted: Vec<i64>,
    /// Those that have no way back, or come before one that has none, or after where the way ended.
    pub untried: Vec<i64>,
    /// Whether the schema was compared with an expected one.
    pub is_compared: bool,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// The schema all the way up, without what differs between versions of pg_dump.
    #[serde(skip)]
    pub schema: String,
}

/// Goes the way on a scratch database of the server that the settings lead to, and compares the schema with the
/// expected one, if there is one.
pub fn round_trip(
    settings: &Settings,
    migrations: &Migrations,
    expected: Option<&str>,
    observer: &mut dyn Observer,
) -> Result<RoundTrip, Error> {
    if settings.schema.is_some() {
        return Err(Error::SchemaChosen);
    }
    let mut scratch = Scratch::create(settings)?;
    let pg_dump = programs::find("pg_dump", scratch.server)?;
    let (scratch_settings, host) = (scratch.settings.clone(), scratch.connection.host.clone());
    let dump = || -> Result<String, Error> {
        let mut command = programs::command(&pg_dump, &scratch_settings, &host);
        command.args(["--schema-only", "--no-owner", "--no-password", "--exclude-table=*._sqlx_migrations"]);
        Ok(programs::normalised_schema(&String::from_utf8_lossy(&programs::output(command)?)))
    };
    let mut history = History::open(&scratch.settings)?;
    let mut walk = Walk { history: &mut history, migrations, observer };
    let trip = walk.there_and_back(scratch.server, expected, &dump)?;
    drop(history);
    scratch.drop_database()?;
    Ok(trip)
}

impl RoundTrip {
    fn compare(&mut self, version: i64, stage: Stage, expected: &str, actual: &str) {
        if expected != actual {
            let diff = TextDiff::from_lines(expected, actual);
            let diff = diff.unified_diff().context_radius(CONTEXT_LINES).to_string();
            self.findings.push(Finding { version, stage, diff: Some(diff), error: None });
        }
    }

    /// Whether the step was taken: a script that fails is a finding and no reason to know nothing.
    fn took(&mut self, version: i64, stage: Stage, step: Result<(), Error>) -> Result<bool, Error> {
        match step {
            Ok(()) => Ok(true),
            Err(error @ Error::Statement { .. }) => {
                let cause =
                    std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
                let error = Some(format!("{error}{cause}"));
                self.findings.push(Finding { version, stage, diff: None, error });
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The text of a file with the schema, to be expected later.
    pub fn file(&self) -> String {
        format!("{HEADER}{}", self.schema)
    }
}

struct Walk<'a> {
    history: &'a mut History,
    migrations: &'a Migrations,
    observer: &'a mut dyn Observer,
}

impl Walk<'_> {
    fn there_and_back(
        &mut self,
        server: u32,
        expected: Option<&str>,
        dump: &dyn Fn() -> Result<String, Error>,
    ) -> Result<RoundTrip, Error> {
        let mut trip = RoundTrip {
            server,
            applied: Vec::new(),
            reverted: Vec::new(),
            untried: self.migrations.steps().iter().map(|step| step.version).collect(),
            is_compared: false,
            findings: Vec::new(),
            schema: String::new(),
        };
        let mut schemas = vec![dump()?];
        for step in self.migrations.steps() {
            if !trip.took(step.version, Stage::Up, self.up(step.version))? {
                return Ok(trip);
            }
            trip.applied.push(step.version);
            schemas.push(dump()?);
        }
        trip.schema = schemas.last().cloned().unwrap_or_default();
        if let (Some(expected), Some(newest)) = (expected, trip.applied.last().copied()) {
            let schema = trip.schema.clone();
            trip.compare(newest, Stage::Expected, &body(expected), &schema);
            trip.is_compared = true;
        }
        for (step, schemas) in self.migrations.steps().iter().zip(schemas.windows(2)).rev() {
            let version = step.version;
            if step.down.is_none() || !trip.took(version, Stage::Down, self.down())? {
                return Ok(trip);
            }
            // An extension that came with a step may stay: other objects may need it by now.
            trip.compare(
                version,
                Stage::Down,
                &without_extensions(&schemas[0]),
                &without_extensions(&dump()?),
            );
            if !trip.took(version, Stage::UpAgain, self.up(version))? {
                return Ok(trip);
            }
            trip.compare(version, Stage::UpAgain, &schemas[1], &dump()?);
            if !trip.took(version, Stage::Down, self.down())? {
                return Ok(trip);
            }
            trip.reverted.push(version);
            trip.untried.retain(|untried| *untried != version);
        }
        Ok(trip)
    }

    fn up(&mut self, version: i64) -> Result<(), Error> {
        let options = UpOptions { to: Some(version), ..UpOptions::default() };
        up(self.history, self.migrations, &options, self.observer).map(|_| ())
    }

    fn down(&mut self) -> Result<(), Error> {
        let lock_timeout = super::DEFAULT_LOCK_TIMEOUT;
        let options =
            DownOptions { target: Target::Newest, allow_data_loss: true, dry_run: false, lock_timeout };
        if self.observer.is_interrupted() {
            return Err(Error::Interrupted);
        }
        down(self.history, self.migrations, &options, self.observer).map(|_| ())
    }
}

/// A database that is dropped in the end.
struct Scratch {
    connection: Connection,
    settings: Settings,
    server: u32,
    is_dropped: bool,
}

impl Scratch {
    fn create(settings: &Settings) -> Result<Self, Error> {
        let mut connection = Connection::open(settings)?;
        let server = doing(
            "look up the server's version",
            |client| {
                Ok(client
                    .query_one("SELECT current_setting('server_version_num')::int / 10000", &[])?
                    .get::<_, i32>(0))
            },
            &mut connection.client,
        )?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("af_migrate_test_{}_{}", process::id(), since.as_nanos());
        let create = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
            quote_ident(&name)
        );
        doing("create a scratch database", |client| client.batch_execute(&create), &mut connection.client)?;
        let settings = Settings { dbname: name, ..settings.clone() };
        Ok(Self {
            connection,
            settings,
            server: u32::try_from(server).unwrap_or_default(),
            is_dropped: false,
        })
    }

    fn drop_database(&mut self) -> Result<(), Error> {
        self.is_dropped = true;
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(&self.settings.dbname));
        doing("drop the scratch database", |client| client.batch_execute(&drop), &mut self.connection.client)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.is_dropped {
            // Something has failed already, and that is what is told.
            let _ = self.drop_database();
        }
    }
}

fn doing<T>(
    what: &str,
    work: impl FnOnce(&mut Client) -> Result<T, postgres::Error>,
    client: &mut Client,
) -> Result<T, Error> {
    work(client).map_err(|error| Error::Server { doing: what.to_owned(), source: error.into() })
}

fn without_extensions(schema: &str) -> String {
    let is_extension =
        |line: &&str| line.starts_with("CREATE EXTENSION ") || line.starts_with("COMMENT ON EXTENSION ");
    programs::normalised_schema(
        &schema.lines().filter(|line| !is_extension(line)).collect::<Vec<_>>().join("\n"),
    )
}

/// A file's text without the comment that it begins with, and with the line ends of Unix.
fn body(file: &str) -> String {
    let lines = file.lines().skip_while(|line| line.is_empty() || line.starts_with("--"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_keeps_what_says_something() {
        let dump = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped by pg_dump version 15\n\n\
                    SET lock_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\n\
                    --\n-- Name: f(); Type: FUNCTION\n--\n\nCREATE FUNCTION f() AS $$\n-- said\nSELECT 1;\n\n$$;\r\n\n\n";
        let told = programs::normalised_schema(dump);
        assert_eq!(told, "CREATE FUNCTION f() AS $$\n-- said\nSELECT 1;\n\n$$;\n");
        assert_eq!(body(&format!("{HEADER}{told}").replace('\n', "\r\n")), told);
        assert_eq!(without_extensions("CREATE EXTENSION x;\n\nCREATE TABLE t ();\n"), "CREATE TABLE t ();\n");
    }
}
