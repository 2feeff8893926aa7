//! PostgreSQL: whether one gets in, and then its version, the extension, the migrations, the guards and the chains.

mod chains;
mod verification;

use std::time::Duration;

use postgres::GenericClient;
use serde_json::{Value, json};

use super::attempts::Limits;
use super::health::{Finding, Observation, Status};
use super::reach::reach;
use super::{Cause, Service, Trouble};
use crate::connection::{self, Address, Connection, Settings};
use crate::guards::{self, Expectations, Inspection, Severity, Weakness};
use crate::migrate::{self, History, Migration, Migrations, State};
use crate::server::ServerError;

/// The majors that pg_af is built for.
const OLDEST: i32 = 14;
const NEWEST: i32 = 18;
/// Of the time for an answer, the part in which a lock is waited for.
const LOCK_SHARE: u32 = 4;

/// Hosts and database.
pub(super) fn address(settings: &Settings) -> String {
    let hosts: Vec<String> = settings.hosts.iter().map(|host| host.describe()).collect();
    format!("database {} at {}", settings.dbname, hosts.join(", "))
}

pub(super) fn probe(settings: &Settings, limits: &Limits) -> Result<Observation, Trouble> {
    let connect_timeout = settings.connect_timeout.map_or(limits.connect, |given| given.min(limits.connect));
    let settings = Settings { connect_timeout: Some(connect_timeout), ..settings.clone() };
    let connection = Connection::open(&settings).map_err(|error| trouble(&error, &settings, limits))?;
    examine(connection, limits.read).map_err(|error| lost(&error))
}

/// The connection broke, or the server does not let itself be asked at all.
fn lost(error: &ServerError) -> Trouble {
    let cause = if error.is_lost() { Cause::Closed } else { Cause::Refusal };
    let mut trouble = Trouble::new(Service::Postgres, cause, format!("ask the server: {error}"));
    trouble.guidance = error.hint().unwrap_or(trouble.guidance);
    trouble
}

fn trouble(error: &connection::Error, settings: &Settings, limits: &Limits) -> Trouble {
    let message = with_source(error);
    let (cause, hint) = match error {
        connection::Error::Connect { source, .. } => match source.code().map(|code| code.code()) {
            Some("28P01" | "28000") => (Cause::Authentication, None),
            Some("3D000") => (Cause::NoDatabase, None),
            Some("57P03") => (Cause::Starting, None),
            Some("57P01" | "57P02") => (Cause::Closed, None),
            Some(_) => (Cause::Refusal, error.hint()),
            None if source.lacks_password() => (Cause::Authentication, None),
            None if source.is_about_tls() => (Cause::Tls, error.hint()),
            // The driver's words do not tell why: a connection without it does.
            None => match diagnosis(settings, limits) {
                Some(trouble) => return Trouble { message, ..trouble },
                None if source.is_hung_up() => (Cause::Closed, None),
                None => (Cause::Protocol, None),
            },
        },
        connection::Error::Tls(_) | connection::Error::File { .. } => (Cause::Tls, error.hint()),
        _ => (Cause::Refusal, error.hint()),
    };
    let mut trouble = Trouble::new(Service::Postgres, cause, message);
    trouble.guidance = hint.unwrap_or(trouble.guidance);
    trouble
}

/// Why there is no connection to the last host; nothing if somebody listens there.
fn diagnosis(settings: &Settings, limits: &Limits) -> Option<Trouble> {
    let host = settings.hosts.last()?;
    match &host.address {
        Address::Socket(directory) => {
            let is_there = directory.join(format!(".s.PGSQL.{}", host.port)).exists();
            (!is_there).then(|| Trouble::new(Service::Postgres, Cause::Refused, "there is no socket"))
        }
        Address::Tcp { name, hostaddr } => {
            let name = hostaddr.map_or_else(|| name.clone(), |address| address.to_string());
            reach(Service::Postgres, &name, host.port, limits).err()
        }
    }
}

/// Looks at one part after the other. Fails only when the session is lost.
fn examine(mut connection: Connection, read: Duration) -> Result<Observation, ServerError> {
    const SERVER: &str = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery()";
    // What takes too long is given up by the server, and what waits for somebody's lock early enough that there is time for
    // the rest.
    let milliseconds = |limit: Duration| limit.as_millis().clamp(1, i32::MAX as u128);
    let limit = format!(
        "SET statement_timeout = {}; SET lock_timeout = {}",
        milliseconds(read),
        milliseconds(read / LOCK_SHARE)
    );
    connection.client.batch_execute(&limit)?;
    let server = connection.client.query_one(SERVER, &[])?;
    let mut observation = Observation::default();
    observation.findings.push(version(server.get(0), server.get(1), server.get(2)));
    observation.findings.push(extension(&mut connection.client)?);

    let mut history = History::of(connection);
    let mut is_behind = false;
    match migrations(&mut history) {
        Ok(Ok(found)) => {
            is_behind = found.iter().any(|one| one.state == State::Pending);
            observation.findings.push(migrations_finding(&found));
        }
        Ok(Err(reason)) => observation.not_checked.push(("migrations", reason)),
        Err(error) if error.is_lost() => return Err(error),
        Err(error) => observation.findings.push(unseen("migrations", &error)),
    }
    let mut client = history.into_connection().client;
    if is_behind {
        let reason = "migrations are pending, and bring what would be checked";
        observation.not_checked.extend(["guards", "chains"].map(|part| (part, reason.to_owned())));
    } else {
        match guards::inspect(&mut client) {
            Ok(inspection) => observation.findings.extend(guards_findings(inspection)),
            Err(error) if error.is_lost() => return Err(error),
            Err(error) => observation.findings.push(unseen("guards", &error)),
        }
        match chains::look(&mut client) {
            Ok(Ok(finding)) => observation.findings.push(finding),
            Ok(Err(reason)) => observation.not_checked.push(("chains", reason)),
            Err(error) if error.is_lost() => return Err(error),
            Err(error) => observation.findings.push(unseen("chains", &error)),
        }
    }
    match verification::look(&mut client) {
        Ok(Ok(finding)) => observation.findings.push(finding),
        Ok(Err(reason)) => observation.not_checked.push(("lastVerification", reason.to_owned())),
        Err(error) if error.is_lost() => return Err(error),
        Err(error) => observation.findings.push(unseen("lastVerification", &error)),
    }
    Ok(observation)
}

fn version(number: i32, text: String, is_in_recovery: bool) -> Finding {
    let major = number / 10_000;
    let observed = json!({"server": text, "is_standby": is_in_recovery});
    if major < OLDEST {
        return Finding::problem(
            Status::Fail,
            "version",
            observed,
            format!("PostgreSQL {text} is too old: pg_af supports {OLDEST} to {NEWEST}"),
            "Upgrade the server.",
        );
    }
    if major > NEWEST {
        return Finding::problem(
            Status::Warn,
            "version",
            observed,
            format!("PostgreSQL {text} is newer than what pg_af is tested on, which is {OLDEST} to {NEWEST}"),
            "Look for a newer pg_af.",
        );
    }
    Finding::pass("version", observed)
}

/// The extension's versions: in the database, in the server's files, in the library, and that of this program.
fn extension(client: &mut impl GenericClient) -> Result<Finding, ServerError> {
    const PART: &str = "extension";
    const VERSIONS: &str = "
        SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_af'),
               (SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'pg_af'),
               (SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension AS e
                JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_af')";
    let row = client.query_one(VERSIONS, &[])?;
    let (installed, available, schema): (Option<String>, Option<String>, Option<String>) =
        (row.get(0), row.get(1), row.get(2));
    let ours = env!("CARGO_PKG_VERSION");
    let (Some(installed), Some(schema)) = (installed, schema) else {
        let guidance = if available.is_some() {
            "Run `af-tools migrate up`, which creates it together with the tables."
        } else {
            "Install it on the server (`make install` there, or the image of docker/Dockerfile), then run `af-tools migrate up`."
        };
        let observed = json!({"available": available, "af_tools": ours});
        let output = "the extension pg_af is not in this database";
        return Ok(Finding::problem(Status::Fail, PART, observed, output, guidance));
    };
    let loaded = match client.query_one(&format!("SELECT {schema}.af_version()"), &[]) {
        Ok(row) => row.get::<_, String>(0),
        Err(error) => {
            let error = ServerError::from(error);
            if error.is_lost() {
                return Err(error);
            }
            let observed = json!({"installed": installed, "available": available, "af_tools": ours});
            let output = format!("the extension pg_af does not work: {error}");
            let guidance =
                "Install it on the server again (`make install` there): its library is missing or broken.";
            return Ok(Finding::problem(Status::Fail, PART, observed, output, guidance));
        }
    };
    let observed =
        json!({"installed": installed, "library": loaded, "available": available, "af_tools": ours});
    let (output, guidance) = if loaded != installed {
        (
            format!("the database has pg_af {installed}, and the server's library is {loaded}"),
            "Run `ALTER EXTENSION pg_af UPDATE;` as its owner, and reconnect.",
        )
    } else if installed != ours {
        (
            format!("pg_af is {installed}, and this af-tools is {ours}"),
            "Use the af-tools of the same version, or upgrade the extension (`make install` on the server, then `ALTER EXTENSION pg_af UPDATE;`).",
        )
    } else {
        return Ok(Finding::pass(PART, observed));
    };
    Ok(Finding::problem(Status::Warn, PART, observed, output, guidance))
}

/// A part that the server does not let itself be asked about now.
fn unseen(part: &'static str, error: &ServerError) -> Finding {
    let guidance = error.hint().unwrap_or_else(|| {
        "Run this again; if somebody holds a lock for long, pg_stat_activity says who, and --timeout waits longer.".to_owned()
    });
    Finding::problem(Status::Warn, part, Value::Null, format!("could not be looked at: {error}"), guidance)
}

/// How the migrations stand. A role that may not know can work all the same.
fn migrations(history: &mut History) -> Result<Result<Vec<Migration>, String>, ServerError> {
    let read = Migrations::read(&migrate::Source::Embedded);
    match read.and_then(|migrations| migrate::status(history, &migrations)) {
        Ok(found) => Ok(Ok(found)),
        Err(migrate::Error::Server { source, .. }) if !source.is_about_privilege() => Err(source),
        Err(error) => Ok(Err(with_source(&error))),
    }
}

/// An error and what caused it, on one line.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn migrations_finding(found: &[Migration]) -> Finding {
    const PART: &str = "migrations";
    let versions = |is_wanted: &dyn Fn(State) -> bool| -> Vec<i64> {
        found.iter().filter(|one| is_wanted(one.state)).map(|one| one.version).collect()
    };
    let applied = versions(&|state| state == State::Applied);
    let pending = versions(&|state| state == State::Pending);
    let drifted = versions(&State::is_drift);
    let observed = json!({"applied": applied, "pending": pending, "drifted": drifted});
    if !drifted.is_empty() {
        let output = format!("database and migrations have gone different ways: {}", list(&drifted));
        let guidance = "`af-tools migrate status` tells how, and docs/migrations.md (\"Drift\") what to do.";
        return Finding::problem(Status::Fail, PART, observed, output, guidance);
    }
    if !pending.is_empty() {
        let output = format!("to be applied: {}", list(&pending));
        return Finding::problem(Status::Fail, PART, observed, output, "Run `af-tools migrate up`.");
    }
    Finding::pass(PART, observed)
}

fn list(versions: &[i64]) -> String {
    versions.iter().map(|version| format!("{version:04}")).collect::<Vec<_>>().join(", ")
}

/// Each weakness by itself; where there is none, how many guards are in place.
fn guards_findings(inspection: Inspection) -> Vec<Finding> {
    const PART: &str = "guards";
    let Inspection { expected, weaknesses, .. } = inspection;
    if weaknesses.is_empty() {
        let Expectations { triggers, tables, policies, grants } = expected;
        let observed =
            json!({"triggers": triggers, "tables": tables, "policies": policies, "grants": grants});
        return vec![Finding::pass(PART, observed)];
    }
    let finding = |Weakness { severity, problem, remedy }| {
        let status = match severity {
            Severity::Open => Status::Fail,
            Severity::Differs => Status::Warn,
        };
        Finding::problem(status, PART, Value::Null, problem, remedy)
    };
    weaknesses.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_judged_by_what_is_supported() {
        for (number, expected) in [
            (130_022, Status::Fail),
            (140_000, Status::Pass),
            (180_006, Status::Pass),
            (190_000, Status::Warn),
        ] {
            assert_eq!(version(number, "x".to_owned(), false).status, expected, "{number}");
        }
    }

    #[test]
    fn pending_migrations_and_drift_fail() {
        let finding = |states: &[State]| {
            let one = |(index, state): (usize, &State)| Migration {
                version: index as i64 + 1,
                description: String::new(),
                state: *state,
            };
            migrations_finding(&states.iter().enumerate().map(one).collect::<Vec<_>>())
        };
        assert_eq!(finding(&[State::Applied]).status, Status::Pass);
        let pending = finding(&[State::Applied, State::Pending]);
        assert_eq!((pending.status, pending.output.as_deref()), (Status::Fail, Some("to be applied: 0002")));
        let drifted = finding(&[State::Modified, State::Pending]);
        assert!(drifted.guidance.unwrap().contains("docs/migrations.md"));
    }
}
