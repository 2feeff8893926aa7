//! `af-tools validate` as a whole: no address makes it hang, nothing that was not checked is called well, and its outputs
//! fit those who read them.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use af_tests::database::Database;
use af_tests::redis::Redis;
use af_tests::tools;
use af_tests::validate::{assert_trouble, check, not_checked, result, run, within};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// All three services on one port, each of which is something else.
fn everything_at(port: u16, more: &[&str]) -> serde_json::Value {
    let redis = format!("redis://127.0.0.1:{port}");
    let qdrant = format!("http://127.0.0.1:{port}");
    let postgres = format!("postgresql://me@127.0.0.1:{port}/ledger?sslmode=disable");
    let arguments = [&["--url", &postgres, "--redis-url", &redis, "--qdrant-url", &qdrant], more].concat();
    within(Duration::from_secs(8), || result(&arguments, &[], 3))
}

#[test]
fn a_black_hole_is_given_up() {
    // Somebody listens, and is silent.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let result =
        everything_at(silent.local_addr().unwrap().port(), &["--timeout", "600ms", "--retries", "1"]);
    for service in ["postgres", "redis", "qdrant"] {
        assert_trouble(&result, service, "timeout", "--timeout");
        assert_eq!(check(&result, service)["attempts"], 2, "{service}");
    }
}

#[test]
fn an_address_that_drops_what_is_sent_is_given_up() {
    // Once nobody takes what has come, the kernel drops what else comes, as a firewall does.
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 100_000, "the kernel takes connections without end");
    }
    let result = everything_at(address.port(), &["--timeout", "600ms", "--retries", "0"]);
    for service in ["postgres", "redis", "qdrant"] {
        assert_trouble(&result, service, "timeout", "firewall");
    }
}

#[test]
fn something_else_that_answers_is_told() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = web.local_addr().unwrap().port();
    // It ends with the process.
    thread::spawn(move || {
        for mut stream in web.incoming().flatten() {
            // What is asked, it does not understand, as a web server would not.
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let result = everything_at(port, &["--timeout", "2s", "--retries", "0"]);
    for service in ["postgres", "redis", "qdrant"] {
        assert_trouble(&result, service, "protocol", "correct scheme, host and port");
    }

    let redis = Redis::start(&[]);
    let url = redis.url("").replace("redis:", "http:");
    let arguments = ["--require", "qdrant", "--qdrant-url", &url, "--timeout", "2s", "--retries", "0"];
    assert_trouble(&af_tests::validate::result(&arguments, &[], 3), "qdrant", "protocol", "QDRANT_URL");
}

#[test]
fn a_name_that_nobody_knows_is_told() {
    let arguments = [
        "--url",
        "postgresql://me@no-such-host.invalid/ledger",
        "--redis-url",
        "redis://no-such-host.invalid",
        "--qdrant-url",
        "http://no-such-host.invalid",
        "--retries",
        "0",
    ];
    let result = within(Duration::from_secs(8), || result(&arguments, &[], 3));
    for service in ["postgres", "redis", "qdrant"] {
        assert_trouble(&result, service, "dns", "getent hosts");
    }
}

#[test]
fn nothing_checked_is_not_well() {
    let result = result(&["--optional", "redis"], &[], 4);
    assert_eq!(result["status"], serde_json::Value::Null);
    assert_eq!(not_checked(&result), ["postgres", "redis", "qdrant"]);
    let run = run(&["--optional", "redis"], &[]);
    assert!(run.stdout.contains("not checked: redis: nothing says where it is"), "{run:?}");
    assert!(run.stdout.ends_with("nothing was checked\n"), "{run:?}");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_checked() {
    for (arguments, code, words) in [
        (&["--require", "redis"][..], 1, "nothing says where it is"),
        (&["--require", "redis", "--optional", "redis"], 2, "both required and optional"),
        (&["--require", "mysql"], 2, "possible values: postgres, redis, qdrant"),
        (&["--optional", "redis", "--redis-url", "http://:topsecret@h"], 1, "URL of redis"),
        (&["--optional", "qdrant", "--qdrant-url", "http://topsecret@h"], 1, "URL of qdrant"),
        (&["--timeout", "0s"], 2, "more than nothing"),
        (&["--format", "nagios", "--json"], 2, "cannot be used with"),
        (&["--url", "postgresql://u:topsecret@h/d?frobnicate=1"], 1, "frobnicate"),
    ] {
        let run = run(arguments, &[]);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        assert!(said.contains(words) && !said.contains("topsecret"), "{arguments:?}: {run:?}");
    }
}

#[test]
fn people_are_told_what_to_do() {
    let database = Database::migrated();
    database.connect().batch_execute("ALTER TABLE audits DISABLE TRIGGER af_audit_guard").unwrap();
    let url = database.url();
    let run = run(
        &["--url", &url, "--optional", "redis", "--require", "postgres"],
        &[("REDIS_URL", "redis://127.0.0.1:1")],
    );
    assert_eq!(run.code, Some(3), "{run:?}");
    for words in [
        "fail  postgres (required): database ",
        "trigger af_audit_guard on audits is disabled\n            → ALTER TABLE ",
        "fail  redis (optional): 127.0.0.1 port 1, ",
        "refused: connect to 127.0.0.1 port 1: ",
        "→ Nothing listens there: start it by `docker compose",
        "not checked: qdrant: other services were asked for",
        "fail: postgres not well\n",
    ] {
        assert!(run.stdout.contains(words), "{words} is not in {}", run.stdout);
    }
}

#[test]
fn nagios_gets_a_line_and_its_own_exit_codes() {
    let database = Database::migrated();
    let mut client = database.connect();
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
    let url = database.url();
    let nagios = |arguments: &[&str], code: i32, beginning: &str| {
        let run = run(&[arguments, &["--format", "nagios", "--retries", "0"]].concat(), &[]);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stdout.starts_with(beginning), "{run:?}");
        assert_eq!(run.stdout.matches('\n').count(), 1, "{run:?}");
        run.stdout
    };
    let line =
        nagios(&["--url", &url], 0, "PG_AF OK - postgres pass; not checked: redis, qdrant | postgres_time=");
    assert!(line.ends_with("s;;;0\n") && line.matches('|').count() == 1, "{line}");
    client.batch_execute("GRANT SELECT ON users TO PUBLIC").unwrap();
    nagios(&["--url", &url], 1, "PG_AF WARNING - postgres warn (guards: PUBLIC has SELECT on users");
    client.batch_execute("ALTER TABLE audits DISABLE TRIGGER af_audit_guard").unwrap();
    nagios(
        &["--url", &url],
        2,
        "PG_AF CRITICAL - postgres fail (guards: trigger af_audit_guard on audits is disabled)",
    );
    nagios(&["--optional", "redis"], 3, "PG_AF UNKNOWN - not checked: postgres, redis, qdrant");
    nagios(&["--require", "redis"], 3, "PG_AF UNKNOWN - check redis: it is required");
}

#[test]
fn prometheus_gets_a_file_that_is_replaced_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("af.prom");
    let redis = Redis::start(&[]);
    let argument = path.to_str().unwrap();
    fs::write(&path, "old").unwrap();
    let url = redis.url("");
    let arguments = ["--require", "redis", "--redis-url", &url, "--metrics-file", argument];
    assert_eq!(run(&arguments, &[]).code, Some(0));
    let text = fs::read_to_string(&path).unwrap();
    for line in [
        "af_validate_checked{service=\"postgres\"} 0\n",
        "af_validate_checked{service=\"redis\"} 1\n",
        "af_validate_service_status{service=\"redis\"} 0\n",
        "af_validate_service_required{service=\"redis\"} 1\n",
        "af_validate_service_attempts{service=\"redis\"} 1\n",
        "af_validate_part_status{service=\"redis\",part=\"memory\"} 0\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    // Each sample but once, as the format demands.
    let mut names: Vec<&str> =
        text.lines().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    drop(redis);
    assert_eq!(run(&[&arguments[..], &["--retries", "0"]].concat(), &[]).code, Some(3));
    assert!(fs::read_to_string(&path).unwrap().contains("af_validate_service_status{service=\"redis\"} 2\n"));

    let nowhere = directory.path().join("no/such/af.prom");
    let run = run(&["--optional", "redis", "--metrics-file", nowhere.to_str().unwrap()], &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("write the metrics"), "{run:?}");
}

#[test]
fn who_interrupts_it_does_not_wait() {
    let arguments =
        ["validate", "--require", "redis", "--redis-url", "redis://127.0.0.1:1", "--wait", "10min"];
    let child = tools::command(&arguments).spawn().unwrap();
    thread::sleep(Duration::from_millis(500));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let run = within(Duration::from_secs(5), || tools::finish(child));
    assert_eq!((run.code, run.stdout.as_str()), (Some(130), ""), "{run:?}");
}
