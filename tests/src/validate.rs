//! `af-tools validate`, run for tests.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::tools::{self, Run};

/// `af-tools` with these variables, and none of those that say where services are.
///
/// # Panics
///
/// When it cannot be started.
#[must_use]
pub fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = tools::command(&[&["validate"], arguments].concat());
    for name in
        ["REDIS_URL", "QDRANT_URL", "QDRANT_HTTP_URL", "QDRANT_API_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR"]
    {
        command.env_remove(name);
    }
    tools::finish(command.envs(variables.iter().copied()).spawn().expect("af-tools starts"))
}

/// The result in JSON. The process and the document must say the same exit code.
///
/// # Panics
///
/// When that is not `code`.
#[must_use]
pub fn result(arguments: &[&str], variables: &[(&str, &str)], code: i32) -> Value {
    let run = run(&[arguments, &["--json"]].concat(), variables);
    let document = run.json();
    assert_eq!((run.code, &document["exit_code"]), (Some(code), &code.into()), "{arguments:?}: {run:?}");
    document["result"].clone()
}

/// What is said of a service, or of a part of it, such as `redis:memory`.
///
/// # Panics
///
/// When nothing is.
#[must_use]
pub fn check<'a>(result: &'a Value, key: &str) -> &'a Value {
    let check = &result["checks"][key][0];
    assert!(check.is_object(), "nothing on {key} in {result:#}");
    check
}

/// The parts that were not checked, as `service part`, or the service alone.
#[must_use]
pub fn not_checked(result: &Value) -> Vec<String> {
    let told = |one: &Value| match one["part"].as_str() {
        Some(part) => format!("{} {part}", one["componentId"].as_str().unwrap_or_default()),
        None => one["componentId"].as_str().unwrap_or_default().to_owned(),
    };
    result["not_checked"].as_array().into_iter().flatten().map(told).collect()
}

/// Asserts that a service is in this trouble, and that its advice has these words.
///
/// # Panics
///
/// When it is not.
pub fn assert_trouble(result: &Value, service: &str, cause: &str, advice: &str) {
    let check = check(result, service);
    assert_eq!((&check["status"], &check["cause"]), (&"fail".into(), &cause.into()), "{check:#}");
    let guidance = check["guidance"].as_str().unwrap_or_default();
    assert!(guidance.contains(advice), "{advice} is not in {guidance}");
    assert!(check["output"].as_str().is_some_and(|output| !output.is_empty()), "{check:#}");
}

/// Runs something that must be over in time.
///
/// # Panics
///
/// When it is not.
pub fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = work();
    assert!(begin.elapsed() < limit, "took {:?}", begin.elapsed());
    result
}
