//! Qdrant: the health check over gRPC by its own client, a call that needs the API key, and `/readyz` over HTTP.

mod ready;

use qdrant_client::qdrant::HealthCheckReply;
use qdrant_client::{Qdrant, QdrantError};
use serde_json::json;
use url::Url;

use super::attempts::Limits;
use super::health::{Finding, Observation, Status};
use super::plan::{Error, Places};
use super::reach::reach;
use super::{Cause, Service, Trouble};
use crate::connection::Environment;
use crate::secrets::Secret;

/// The ports that Qdrant has by default, and docker/docker-compose.yml as well.
const GRPC_PORT: u16 = 6334;
const HTTP_PORT: u16 = 6333;

/// Major and minor version of the client. As that has it, a server's major version must be the same, and its minor
/// version next to it.
const CLIENT: (u32, u32) = (1, 20);

/// Where Qdrant is, and how to get in.
#[derive(Debug, Clone)]
pub(super) struct Target {
    grpc: Url,
    /// Where `/readyz` is; nothing where that cannot be told.
    http: Option<Url>,
    api_key: Option<Secret>,
}

impl Target {
    /// By `--qdrant-url`, else by `QDRANT_URL`; nothing where neither is given. Either port will do, the other one follows,
    /// unless they are not Qdrant's own.
    pub(super) fn find(places: &Places, environment: &Environment) -> Result<Option<Self>, Error> {
        let Some(url) = places.qdrant_url.as_deref().or_else(|| environment.get("QDRANT_URL")) else {
            return Ok(None);
        };
        let mut grpc = parse(url)?;
        let port = given_port(url).unwrap_or(GRPC_PORT);
        let http = match places.qdrant_http_url.as_deref().or_else(|| environment.get("QDRANT_HTTP_URL")) {
            Some(url) => Some(parse(url)?),
            None => matches!(port, GRPC_PORT | HTTP_PORT).then(|| on_port(&grpc, HTTP_PORT)),
        };
        let is_http = port == HTTP_PORT;
        grpc = on_port(&grpc, if is_http { GRPC_PORT } else { port });
        let api_key = environment.get("QDRANT_API_KEY").map(|key| Secret::new(key.to_owned()));
        Ok(Some(Self { grpc, http, api_key }))
    }

    /// The URL of its gRPC interface.
    pub(super) fn address(&self) -> String {
        self.grpc.as_str().trim_end_matches('/').to_owned()
    }

    pub(super) fn probe(&self, limits: &Limits) -> Result<Observation, Trouble> {
        let (host, port) = host_and_port(&self.grpc);
        reach(Service::Qdrant, &host, port, limits)?;
        let mut observation = self.ask(limits)?;
        match &self.http {
            Some(url) => {
                let (finding, is_starting) = ready::check(url, limits);
                observation.findings.push(finding);
                observation.is_starting = is_starting;
            }
            None => observation.not_checked.push((
                ready::PART,
                "where its HTTP interface is cannot be told from the port; --qdrant-http-url says it"
                    .to_owned(),
            )),
        }
        Ok(observation)
    }

    fn ask(&self, limits: &Limits) -> Result<Observation, Trouble> {
        let failed = |doing: &'static str| move |error: QdrantError| self.trouble(doing, &error);
        let client = Qdrant::from_url(self.grpc.as_str())
            .api_key(self.api_key.as_ref().map(|key| key.reveal().to_owned()))
            .connect_timeout(limits.connect)
            .timeout(limits.read)
            // It would print what it finds.
            .skip_compatibility_check()
            .build()
            .map_err(failed("set up the client"))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
                Trouble::new(Service::Qdrant, Cause::Refusal, format!("start the runtime: {error}"))
            })?;
        let asked = runtime.block_on(async {
            let reply = client.health_check().await.map_err(failed("health check"))?;
            // Anybody may ask for its health; only this shows whether the key is right.
            let collections = client.list_collections().await.map_err(failed("list collections"))?;
            Ok((reply, collections.collections.len()))
        });
        // It must not wait for a name server.
        runtime.shutdown_background();
        let (reply, collections) = asked?;
        let findings = vec![version(&reply), Finding::pass("collections", collections)];
        Ok(Observation { findings, ..Observation::default() })
    }

    fn trouble(&self, doing: &str, error: &QdrantError) -> Trouble {
        let (cause, message) = match error {
            QdrantError::ResponseError { status } => {
                (cause(status, self.grpc.scheme() == "https"), status.message())
            }
            QdrantError::ResourceExhaustedError { status, .. } => (Cause::Refusal, status.message()),
            _ => (Cause::Refusal, ""),
        };
        let message = if message.is_empty() { error.to_string() } else { message.to_owned() };
        Trouble::new(Service::Qdrant, cause, format!("{doing} at {}: {message}", self.address()))
    }
}

fn parse(text: &str) -> Result<Url, Error> {
    let invalid = |reason: &str| Error::Url { service: Service::Qdrant, reason: reason.to_owned() };
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid("http://… or https://… expected"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("there is a user or a password in it, which Qdrant does not know"));
    }
    Ok(url)
}

/// The port that is written in a URL, also where it is that of the scheme. Without one, Qdrant's own is meant, and not that of
/// the web.
fn given_port(url: &str) -> Option<u16> {
    url.parse::<ureq::http::Uri>().ok()?.port_u16()
}

fn on_port(url: &Url, port: u16) -> Url {
    let mut url = url.clone();
    // Only a URL without a host refuses a port.
    let _ = url.set_port(Some(port));
    url
}

fn host_and_port(url: &Url) -> (String, u16) {
    // The brackets around an address of IPv6 belong to the URL.
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    (host.to_owned(), url.port_or_known_default().unwrap_or(GRPC_PORT))
}

/// What the client's status means. That no connection came about, the client tells in words only.
fn cause(status: &tonic::Status, is_tls: bool) -> Cause {
    use tonic::Code;
    let message = status.message();
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => Cause::Authentication,
        Code::DeadlineExceeded | Code::Cancelled => Cause::Timeout,
        Code::Internal if message.starts_with("Failed to connect") => {
            if message.contains("TimedOut") || message.contains("deadline") {
                Cause::Timeout
            } else if is_tls {
                Cause::Tls
            } else {
                Cause::Protocol
            }
        }
        Code::Unavailable => Cause::Closed,
        // What is no answer of gRPC.
        Code::Unknown | Code::Internal | Code::Unimplemented => Cause::Protocol,
        _ => Cause::Refusal,
    }
}

fn version(reply: &HealthCheckReply) -> Finding {
    const PART: &str = "version";
    let mut numbers = reply.version.split('.').map(|number| number.parse::<u32>().ok());
    let is_expected = match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => major == CLIENT.0 && minor.abs_diff(CLIENT.1) <= 1,
        _ => false,
    };
    let observed = json!(reply.version);
    if is_expected {
        return Finding::pass(PART, observed);
    }
    let (major, minor) = CLIENT;
    Finding::problem(
        Status::Warn,
        PART,
        observed,
        format!(
            "{} {} is not what the client is made for, which is {major}.{minor}, or one minor version off",
            reply.title, reply.version
        ),
        "It may work. docker/docker-compose.yml has a version that does.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, http_url: Option<&str>) -> Result<Option<Target>, Error> {
        let places = Places {
            qdrant_url: Some(url.to_owned()),
            qdrant_http_url: http_url.map(str::to_owned),
            ..Places::default()
        };
        Target::find(&places, &Environment::default())
    }

    #[test]
    fn one_port_leads_to_the_other() {
        let places = |url, http_url| {
            let target = target(url, http_url).unwrap().unwrap();
            (target.address(), target.http.map(|url| url.to_string()))
        };
        let http = |url: &str| Some(url.to_owned());
        for url in ["http://h", "http://h:6334", "http://h:6333/"] {
            assert_eq!(places(url, None), ("http://h:6334".to_owned(), http("http://h:6333/")), "{url}");
        }
        assert_eq!(places("https://h", None), ("https://h:6334".to_owned(), http("https://h:6333/")));
        // Behind a proxy.
        assert_eq!(places("https://h:443", None), ("https://h".to_owned(), None));
        assert_eq!(places("http://h:7000", None), ("http://h:7000".to_owned(), None));
        let given = places("http://[::1]:7000", Some("http://[::1]:7001"));
        assert_eq!(given, ("http://[::1]:7000".to_owned(), http("http://[::1]:7001/")));
        assert_eq!(host_and_port(&Url::parse("http://[::1]:7000").unwrap()), ("::1".to_owned(), 7000));
    }

    #[test]
    fn what_leads_nowhere_is_refused_without_repeating_it() {
        for url in ["localhost:6334", "ftp://h", "http://topsecret@h", "http://u:topsecret@h", "http://"] {
            let error = target(url, None).unwrap_err();
            assert!(!error.to_string().contains("topsecret"), "{error}");
        }
    }

    #[test]
    fn versions_that_are_not_expected_are_told() {
        let status = |text: &str| {
            let reply =
                HealthCheckReply { title: "qdrant".to_owned(), version: text.to_owned(), commit: None };
            version(&reply).status
        };
        for text in ["1.19.3", "1.20.0", "1.21.0-dev"] {
            assert_eq!(status(text), Status::Pass, "{text}");
        }
        for text in ["1.18.9", "1.22.0", "2.20.0", "0.20.0", "", "latest"] {
            assert_eq!(status(text), Status::Warn, "{text}");
        }
    }

    #[test]
    fn the_client_is_of_the_version_that_is_said() {
        let lock = include_str!("../../../Cargo.lock");
        let (major, minor) = CLIENT;
        assert!(lock.contains(&format!("name = \"qdrant-client\"\nversion = \"{major}.{minor}.")));
    }
}
