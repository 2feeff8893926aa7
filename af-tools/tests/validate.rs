//! `af-tools validate` on every system: no address makes it hang. What needs servers is in the crate `tests`, for Linux; here
//! are tests against those that somebody has, which are skipped unless they are asked for:
//!
//! ```sh
//! DATABASE_URL=… REDIS_URL=… QDRANT_URL=… cargo test --package af-tools --test validate -- --ignored
//! ```

use std::env;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

const VARIABLES: [&str; 5] = ["DATABASE_URL", "REDIS_URL", "QDRANT_URL", "QDRANT_HTTP_URL", "QDRANT_API_KEY"];

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_af-tools"));
    command.args(["validate", "--json"]).args(arguments);
    command
}

fn result(output: &Output) -> Value {
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    document["result"].clone()
}

/// All three services at one port, without what the environment says of them.
fn everything_at(port: u16) -> Value {
    let mut command = command(&["--timeout", "1s", "--retries", "0"]);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.env("DATABASE_URL", format!("postgresql://me@127.0.0.1:{port}/ledger?sslmode=disable"));
    command.env("REDIS_URL", format!("redis://127.0.0.1:{port}"));
    command.env("QDRANT_URL", format!("http://127.0.0.1:{port}"));
    let begin = Instant::now();
    let output = command.output().expect("af-tools runs");
    assert!(begin.elapsed() < Duration::from_secs(20), "took {:?}", begin.elapsed());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    result(&output)
}

#[test]
fn a_port_on_which_nobody_speaks_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let result = everything_at(silent.local_addr().expect("an address").port());
    for service in ["postgres", "redis", "qdrant"] {
        assert_eq!(result["checks"][service][0]["cause"], "timeout", "{service}: {result:#}");
    }
}

#[test]
fn a_port_on_which_nobody_listens_is_told() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = gone.local_addr().expect("an address").port();
    drop(gone);
    let result = everything_at(port);
    for service in ["postgres", "redis", "qdrant"] {
        let check = &result["checks"][service][0];
        // Windows tries for two seconds before it says so.
        assert!(check["cause"] == "refused" || (cfg!(windows) && check["cause"] == "timeout"), "{check:#}");
    }
}

/// Checks a service where its variable says it is.
fn real(variable: &str, service: &str, parts: &[&str]) {
    assert!(env::var_os(variable).is_some(), "{variable} says where it is");
    let output = command(&["--require", service]).output().expect("af-tools runs");
    let result = result(&output);
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    for part in parts {
        let check = &result["checks"][format!("{service}:{part}")][0];
        assert_eq!(check["status"], "pass", "{result:#}");
    }
}

#[test]
#[ignore = "needs a PostgreSQL with pg_af, all migrations applied, at DATABASE_URL"]
fn a_real_postgres_is_well() {
    real("DATABASE_URL", "postgres", &["version", "extension", "migrations"]);
}

#[test]
#[ignore = "needs a Redis at REDIS_URL"]
fn a_real_redis_is_well() {
    real("REDIS_URL", "redis", &["version", "loading", "persistence"]);
}

#[test]
#[ignore = "needs a Qdrant at QDRANT_URL (and its key in QDRANT_API_KEY)"]
fn a_real_qdrant_is_well() {
    real("QDRANT_URL", "qdrant", &["version", "collections", "readiness"]);
}
