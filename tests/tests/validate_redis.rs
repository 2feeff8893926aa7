//! `af-tools validate` tells how Redis is, and why it cannot.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use af_tests::certificates;
use af_tests::database::free_port;
use af_tests::redis::Redis;
use af_tests::validate::{assert_trouble, check, not_checked, result, within};
use nix::sys::signal::Signal;
use serde_json::Value;

const PASSWORD: &str = "correct-horse-battery";
/// Short, for what is waited for in vain.
const QUICK: [&str; 4] = ["--timeout", "500ms", "--retries", "0"];

/// What is said of Redis alone.
fn redis(url: &str, more: &[&str], code: i32) -> Value {
    let result = result(&[&["--require", "redis"], more].concat(), &[("REDIS_URL", url)], code);
    assert!(!result.to_string().contains(PASSWORD), "{result:#}");
    result
}

#[test]
fn one_that_is_well_is_told_in_full() {
    let server = Redis::start(&["--save", "3600 1"]);
    server.cli(&["SET", "key", "value"]);
    server.cli(&["SAVE"]);
    let result = redis(&server.url(""), &[], 0);
    assert_eq!(result["status"], "pass", "{result:#}");
    for part in ["version", "loading", "replication", "persistence", "memory"] {
        assert_eq!(check(&result, &format!("redis:{part}"))["status"], "pass", "{result:#}");
    }
    let whole = check(&result, "redis");
    assert_eq!(whole["attempts"], 1);
    assert_eq!(whole["componentType"], "datastore");
    assert_eq!(whole["address"], format!("127.0.0.1 port {}", server.port()));
    assert!(whole["observedValue"].as_f64().is_some_and(|latency| latency > 0.0), "{whole:#}");
    assert_eq!(check(&result, "redis:persistence")["observedValue"]["last_save_status"], "ok");
    assert!(check(&result, "redis:persistence")["observedValue"]["last_save"].is_string());
    assert_eq!(not_checked(&result), ["postgres", "qdrant"]);
}

#[test]
fn a_password_is_demanded_and_never_shown() {
    let server = Redis::start(&["--requirepass", PASSWORD]);
    let result = redis(&server.url(&format!(":{PASSWORD}@")), &[], 0);
    assert_eq!(result["status"], "pass", "{result:#}");
    for credentials in ["", ":battery-horse@", "nobody:battery-horse@"] {
        let result = redis(&server.url(credentials), &[], 3);
        assert_trouble(&result, "redis", "authentication", "REDIS_URL");
        // A wrong password does not get better.
        assert_eq!(check(&result, "redis")["attempts"], 1);
        assert!(!result.to_string().contains("battery-horse"), "{result:#}");
    }
}

#[test]
fn a_user_of_its_own_may_be_allowed_less() {
    let server = Redis::start(&[]);
    server.cli(&["ACL", "SETUSER", "checker", "on", &format!(">{PASSWORD}"), "+ping", "+info"]);
    server.cli(&["ACL", "SETUSER", "pinger", "on", &format!(">{PASSWORD}"), "+ping"]);
    server.cli(&["ACL", "SETUSER", "nobody", "on", &format!(">{PASSWORD}")]);
    let result = redis(&server.url(&format!("checker:{PASSWORD}@")), &[], 0);
    assert_eq!(result["status"], "pass", "{result:#}");
    assert!(check(&result, "redis")["address"].as_str().unwrap().ends_with(" as checker"));

    let result = redis(&server.url(&format!("pinger:{PASSWORD}@")), &[], 0);
    assert_eq!(check(&result, "redis:info")["status"], "warn");
    assert!(not_checked(&result).contains(&"redis memory".to_owned()), "{result:#}");

    let result = redis(&server.url(&format!("nobody:{PASSWORD}@")), &[], 3);
    assert_trouble(&result, "redis", "refusal", "");
}

#[test]
fn tls_is_checked_against_the_authorities_that_are_trusted() {
    let directory = tempfile::tempdir().unwrap();
    certificates::make(directory.path(), "IP:127.0.0.1");
    let authority = |name: &str| directory.path().join(name).display().to_string();
    let (trusted, other) = (authority("ca.crt"), authority("other.crt"));
    // The server's directory goes with it; the authorities are asked for until then.
    let copies = tempfile::tempdir().unwrap();
    for name in ["ca.crt", "server.crt", "server.key"] {
        fs::copy(directory.path().join(name), copies.path().join(name)).unwrap();
    }
    let files =
        ["--tls-cert-file", "server.crt", "--tls-key-file", "server.key", "--tls-ca-cert-file", "ca.crt"];
    let options =
        [&["--tls-port", "PORT", "--tls-auth-clients", "no", "--requirepass", PASSWORD], &files[..]];
    let server = Redis::start_in(copies, free_port(), &options.concat());
    let place = format!(":{PASSWORD}@127.0.0.1:{}", server.port());
    let with = |url: String, authority: &str, code: i32| {
        let variables = [("REDIS_URL", url.as_str()), ("SSL_CERT_FILE", authority)];
        result(&[&["--require", "redis"], &QUICK[..]].concat(), &variables, code)
    };
    let well = with(format!("rediss://{place}"), &trusted, 0);
    assert_eq!(well["status"], "pass", "{well:#}");
    assert_trouble(&with(format!("rediss://{place}"), &other, 3), "redis", "tls", "SSL_CERT_FILE");
    // Not in the certificate.
    let named = format!("rediss://:{PASSWORD}@localhost:{}", server.port());
    assert_trouble(&with(named, &trusted, 3), "redis", "tls", "names the host");
    let plain = with(format!("redis://{place}"), &trusted, 3);
    assert!(["closed", "protocol"].contains(&check(&plain, "redis")["cause"].as_str().unwrap()), "{plain:#}");

    let plain_server = Redis::start(&[]);
    let url = format!("rediss://127.0.0.1:{}", plain_server.port());
    assert_trouble(&with(url, &trusted, 3), "redis", "timeout", "begins with redis://");
}

#[test]
fn one_that_is_full_refuses_writes() {
    let server = Redis::start(&["--maxmemory-policy", "noeviction"]);
    server.cli(&["SETRANGE", "key", "2000000", "x"]);
    server.cli(&["CONFIG", "SET", "maxmemory", "1000000"]);
    let result = redis(&server.url(""), &[], 3);
    let memory = check(&result, "redis:memory");
    assert_eq!(memory["status"], "fail", "{result:#}");
    assert_eq!(memory["observedValue"]["policy"], "noeviction");
    assert!(memory["guidance"].as_str().unwrap().contains("maxmemory"));
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    assert_eq!(redis(&server.url(""), &[], 0)["status"], "pass");
}

#[test]
fn a_replica_is_told_from_a_master() {
    let master = Redis::start(&[]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    let result = redis(&replica.url(""), &["--wait", "20s"], 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !replica.cli(&["INFO", "replication"]).contains("master_link_status:up") {
        assert!(Instant::now() < deadline, "the replica does not follow: {result:#}");
        thread::sleep(Duration::from_millis(50));
    }
    let result = redis(&replica.url(""), &[], 0);
    let replication = check(&result, "redis:replication");
    assert_eq!((&replication["status"], &result["status"]), (&"warn".into(), &"warn".into()), "{result:#}");
    assert!(replication["guidance"].as_str().unwrap().contains(&master.port().to_string()));
    let result = redis(&master.url(""), &[], 0);
    assert_eq!(check(&result, "redis:replication")["observedValue"]["replicas"], 1, "{result:#}");

    drop(master);
    let deadline = Instant::now() + Duration::from_secs(20);
    while replica.cli(&["INFO", "replication"]).contains("master_link_status:up") {
        assert!(Instant::now() < deadline, "the replica does not notice");
        thread::sleep(Duration::from_millis(50));
    }
    let result = redis(&replica.url(""), &[], 3);
    assert_eq!(check(&result, "redis:replication")["status"], "fail", "{result:#}");
}

#[test]
fn one_that_is_stopped_is_not_waited_for() {
    let server = Redis::start(&[]);
    server.signal(Signal::SIGSTOP);
    // The kernel still accepts connections for it.
    let result = within(Duration::from_secs(5), || {
        redis(&server.url(""), &["--timeout", "500ms", "--retries", "1"], 3)
    });
    assert_trouble(&result, "redis", "timeout", "--timeout");
    assert_eq!(check(&result, "redis")["attempts"], 2);
    server.signal(Signal::SIGCONT);
    assert_eq!(redis(&server.url(""), &[], 0)["status"], "pass");
}

#[test]
fn one_that_is_killed_and_started_again_is_waited_for() {
    let server = Redis::start(&[]);
    let port = server.port();
    let url = server.url("");
    assert_eq!(redis(&url, &[], 0)["status"], "pass");
    server.signal(Signal::SIGKILL);
    drop(server);
    let result = redis(&url, &QUICK, 3);
    assert_trouble(&result, "redis", "refused", "docker compose -f docker/docker-compose.yml up -d redis");

    let waiting = thread::spawn({
        let url = url.clone();
        move || redis(&url, &["--wait", "30s", "--retries", "0"], 0)
    });
    thread::sleep(Duration::from_millis(700));
    let _again = Redis::start_in(tempfile::tempdir().unwrap(), port, &[]);
    let result = waiting.join().unwrap();
    assert_eq!(result["status"], "pass", "{result:#}");
    assert!(check(&result, "redis")["attempts"].as_u64().unwrap() > 1, "{result:#}");
}

#[test]
fn an_optional_one_only_warns() {
    let server = Redis::start(&["--requirepass", PASSWORD]);
    let result = result(&["--optional", "redis"], &[("REDIS_URL", &server.url(""))], 0);
    assert_eq!(result["status"], "warn", "{result:#}");
    assert_trouble(&result, "redis", "authentication", "REDIS_URL");
}
