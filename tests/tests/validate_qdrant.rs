//! `af-tools validate` tells how Qdrant is: against a stand-in, since no registry has the real one. A test against that is in
//! `af-tools/tests/validate.rs`.

use std::thread;
use std::time::Duration;

use af_tests::qdrant_stand_in::{Behaviour, QdrantStandIn};
use af_tests::validate::{assert_trouble, check, not_checked, result};
use serde_json::Value;

const API_KEY: &str = "correct-horse-battery";

fn qdrant(server: &QdrantStandIn, api_key: &str, more: &[&str], code: i32) -> Value {
    let (url, http_url) = (server.url(), server.http_url());
    let variables =
        [("QDRANT_URL", url.as_str()), ("QDRANT_HTTP_URL", &http_url), ("QDRANT_API_KEY", api_key)];
    let result = result(&[&["--require", "qdrant"], more].concat(), &variables, code);
    assert!(!result.to_string().contains(API_KEY), "{result:#}");
    result
}

#[test]
fn one_that_is_well_is_told_in_full() {
    let server = QdrantStandIn::start(Behaviour::default());
    let result = qdrant(&server, "", &[], 0);
    assert_eq!(result["status"], "pass", "{result:#}");
    assert_eq!(check(&result, "qdrant:version")["observedValue"], "1.20.1");
    assert_eq!(check(&result, "qdrant:collections")["observedValue"], 1);
    assert_eq!(check(&result, "qdrant:readiness")["observedValue"], 200);
    assert_eq!(check(&result, "qdrant")["address"], server.url());
}

#[test]
fn its_key_is_checked_by_a_call_that_needs_it() {
    let behaviour = Behaviour { api_key: Some(API_KEY.to_owned()), ..Behaviour::default() };
    let server = QdrantStandIn::start(behaviour);
    assert_eq!(qdrant(&server, API_KEY, &[], 0)["status"], "pass");
    for wrong in ["", "battery-horse"] {
        let result = qdrant(&server, wrong, &[], 3);
        assert_trouble(&result, "qdrant", "authentication", "QDRANT_API_KEY");
        assert!(!result.to_string().contains("battery-horse"), "{result:#}");
    }
}

#[test]
fn another_version_is_a_warning() {
    let behaviour = Behaviour { version: "1.7.4".to_owned(), ..Behaviour::default() };
    let server = QdrantStandIn::start(behaviour);
    let result = qdrant(&server, "", &[], 0);
    assert_eq!(
        (&result["status"], &check(&result, "qdrant:version")["status"]),
        (&"warn".into(), &"warn".into())
    );
    assert!(check(&result, "qdrant:version")["output"].as_str().unwrap().contains("1.7.4"));
}

#[test]
fn one_that_recovers_is_waited_for() {
    let server = QdrantStandIn::start(Behaviour { ready: 503, ..Behaviour::default() });
    let result = qdrant(&server, "", &["--retries", "0"], 3);
    assert_eq!(check(&result, "qdrant:readiness")["status"], "fail", "{result:#}");
    assert_eq!(check(&result, "qdrant:version")["status"], "pass", "{result:#}");
    let result = thread::scope(|scope| {
        let waiting = scope.spawn(|| qdrant(&server, "", &["--wait", "30s"], 0));
        thread::sleep(Duration::from_millis(500));
        server.set_ready(200);
        waiting.join().unwrap()
    });
    assert!(check(&result, "qdrant")["attempts"].as_u64().unwrap() > 1, "{result:#}");
}

#[test]
fn a_readiness_that_is_not_told_is_not_checked() {
    let server = QdrantStandIn::start(Behaviour::default());
    let result = result(&["--require", "qdrant", "--qdrant-url", &server.url()], &[], 0);
    assert_eq!(not_checked(&result), ["postgres", "redis", "qdrant readiness"]);
    server.set_ready(404);
    let result = qdrant(&server, "", &[], 0);
    assert_eq!(check(&result, "qdrant:readiness")["status"], "warn", "{result:#}");
}

#[test]
fn ports_that_are_mixed_up_are_told() {
    let server = QdrantStandIn::start(Behaviour::default());
    let (grpc, http) = (server.url(), server.http_url());
    let variables = [("QDRANT_URL", http.as_str()), ("QDRANT_HTTP_URL", &grpc)];
    let result = result(&["--require", "qdrant", "--timeout", "2s", "--retries", "0"], &variables, 3);
    assert_trouble(&result, "qdrant", "protocol", "QDRANT_URL");
}
