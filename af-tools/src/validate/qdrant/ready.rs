//! `/readyz`: whether Qdrant has all its shards and takes requests.

use ureq::Agent;
use url::Url;

use crate::http;
use crate::validate::attempts::Limits;
use crate::validate::health::{Finding, Status};
use crate::validate::{Service, Trouble, reach::reach};

/// What it is called.
pub(super) const PART: &str = "readiness";

/// What `/readyz` says, and whether it may soon say something else.
pub(super) fn check(url: &Url, limits: &Limits) -> (Finding, bool) {
    let (host, port) = super::host_and_port(url);
    if let Err(Trouble { cause, message, guidance }) = reach(Service::Qdrant, &host, port, limits) {
        return (
            Finding::problem(Status::Fail, PART, serde_json::Value::Null, message, guidance),
            cause.may_pass(),
        );
    }
    let mut url = url.clone();
    url.set_path("/readyz");
    match get(&url, limits) {
        Ok(200) => (Finding::pass(PART, 200), false),
        Ok(503) => (
            Finding::problem(
                Status::Fail,
                PART,
                503,
                format!("{url} says that it is not ready: it recovers its collections"),
                "--wait 60s waits until it is done; its log tells how far it is.",
            ),
            true,
        ),
        Ok(code) => (
            Finding::problem(
                Status::Warn,
                PART,
                code,
                format!("{url} answers with {code}, which says nothing of readiness"),
                "Correct --qdrant-http-url or QDRANT_HTTP_URL: it is the port of the REST interface, by default 6333.",
            ),
            false,
        ),
        Err(error) => (
            Finding::problem(
                Status::Fail,
                PART,
                serde_json::Value::Null,
                format!("{url}: {error}"),
                "Correct --qdrant-http-url or QDRANT_HTTP_URL: scheme, host, and the port of the REST interface, by default 6333.",
            ),
            false,
        ),
    }
}

/// The status code that answers.
fn get(url: &Url, limits: &Limits) -> Result<u16, ureq::Error> {
    let config = http::config()
        .proxy(None)
        .timeout_connect(Some(limits.connect))
        .timeout_global(Some(limits.read))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let response = Agent::new_with_config(config).get(url.as_str()).call()?;
    Ok(response.status().as_u16())
}
