//! From a request to an answer.

use std::borrow::Cow;
use std::net::IpAddr;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::memory::{Cursor, Error, MemoryStore, Namespace, Query, Select};

const METHODS: &str = "GET, HEAD";
/// How many entries a page has where nothing else is said.
const DEFAULT_LIMIT: usize = 20;
/// How many entries a page can have: values can be large.
const MAX_LIMIT: usize = 100;

/// A status and a JSON document.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    status: StatusCode,
    body: Value,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }

    fn refused(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, body: json!({"error": reason.into()}) }
    }

    fn bad_request(reason: impl Into<String>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, reason)
    }

    /// Of a store that panicked.
    pub(super) fn failed() -> Self {
        Self::refused(StatusCode::INTERNAL_SERVER_ERROR, "the store failed")
    }

    /// With headers by which it is neither kept nor taken for anything but JSON.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let text = format!("{:#}\n", self.body);
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static(METHODS));
        }
        response
    }
}

/// Store and request do not go together, or the store has failed.
impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Disabled => StatusCode::SERVICE_UNAVAILABLE,
            Error::EmptyKey | Error::Limit(_) | Error::Cursor => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::refused(status, error.to_string())
    }
}

/// Answers a request.
pub(super) fn answer(request: &Parts, store: &dyn MemoryStore, namespace: &Namespace) -> Answer {
    match try_answer(request, store, namespace) {
        Ok(answer) | Err(answer) => answer,
    }
}

fn try_answer(request: &Parts, store: &dyn MemoryStore, namespace: &Namespace) -> Result<Answer, Answer> {
    check_host(request)?;
    let path = request.uri.path();
    let key = path.strip_prefix("/memory/");
    if key.is_none() && !matches!(path, "/memory" | "/healthz") {
        return Err(Answer::refused(StatusCode::NOT_FOUND, "there are /memory, /memory/{key} and /healthz"));
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(Answer::refused(StatusCode::METHOD_NOT_ALLOWED, "memory can only be looked at here"));
    }
    let query = parameters(request.uri.query().unwrap_or_default())?;
    match key {
        Some(key) => {
            no_parameters(&query)?;
            entry(&decoded(key)?, store, namespace)
        }
        None if path == "/healthz" => {
            no_parameters(&query)?;
            Ok(health(store, namespace))
        }
        None => Ok(Answer::ok(json!(store.query(namespace, &page(query)?)?))),
    }
}

/// A page in a browser can have its own name lead to this address, and would then be let read the answers (DNS rebinding).
/// It cannot do so with an address, or with `localhost`.
fn check_host(request: &Parts) -> Result<(), Answer> {
    let header = || request.headers.get(HOST)?.to_str().ok()?.parse().ok();
    let authority: Option<Authority> = request.uri.authority().cloned().or_else(header);
    let Some(authority) = authority else {
        return Err(Answer::bad_request("the request has no Host that could be understood"));
    };
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if address.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost") {
        Ok(())
    } else {
        let reason = "only requests to an address or to localhost are answered";
        Err(Answer::refused(StatusCode::MISDIRECTED_REQUEST, reason))
    }
}

/// Reads the store without changing anything: nothing is saved for a probe, as that could be seen by others, and could drop
/// something of theirs from a full store.
fn health(store: &dyn MemoryStore, namespace: &Namespace) -> Answer {
    match store.stats(Some(namespace)) {
        Ok(stats) => Answer::ok(json!({"status": "ok", "memory": stats})),
        Err(Error::Disabled) => Answer::ok(json!({"status": "disabled"})),
        Err(error) => Answer {
            status: StatusCode::SERVICE_UNAVAILABLE,
            body: json!({"status": "failing", "error": error.to_string()}),
        },
    }
}

/// Looked up as the first key that begins so, because asking for it by its exact key would count as a use.
fn entry(key: &str, store: &dyn MemoryStore, namespace: &Namespace) -> Result<Answer, Answer> {
    if key.is_empty() {
        return Err(Error::EmptyKey.into());
    }
    let query = Query { limit: 1, ..Query::new(Select::Prefix(key.to_owned())) };
    let page = store.query(namespace, &query)?;
    match page.entries.first().filter(|entry| entry.key == key) {
        Some(entry) => Ok(Answer::ok(json!(**entry))),
        None => Err(Answer::refused(StatusCode::NOT_FOUND, "there is no entry with this key")),
    }
}

fn page(parameters: Vec<(String, String)>) -> Result<Query, Answer> {
    let mut query = Query { limit: DEFAULT_LIMIT, ..Query::new(Select::all()) };
    for (name, value) in parameters {
        match name.as_str() {
            "prefix" => query.select = Select::Prefix(value),
            "cursor" => query.cursor = Some(Cursor::new(value)),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                let reason =
                    || Answer::bad_request(format!("limit: a number from 1 to {MAX_LIMIT} expected"));
                query.limit = limit.ok_or_else(reason)?;
            }
            _ => return Err(Answer::bad_request("the parameters are prefix, limit and cursor")),
        }
    }
    Ok(query)
}

fn no_parameters(parameters: &[(String, String)]) -> Result<(), Answer> {
    if parameters.is_empty() { Ok(()) } else { Err(Answer::bad_request("no parameters expected")) }
}

/// The parameters of a query string, each of which may be there once.
fn parameters(query: &str) -> Result<Vec<(String, String)>, Answer> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let with_spaces = |text: &str| decoded(&text.replace('+', " "));
        let (name, value) = (with_spaces(name)?, with_spaces(value)?);
        if parameters.iter().any(|(other, _)| *other == name) {
            return Err(Answer::bad_request("a parameter is there twice"));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

/// Percent-encoded text, of which every % has to be understood.
fn decoded(text: &str) -> Result<String, Answer> {
    let is_whole = text
        .split('%')
        .skip(1)
        .all(|rest| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    let decoded = percent_decode_str(text).decode_utf8().ok().filter(|_| is_whole).map(Cow::into_owned);
    decoded.ok_or_else(|| Answer::bad_request("not percent-encoded UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use hyper::Request;

    use super::*;
    use crate::memory::{
        Bound, DisabledStore, InMemoryStore, Metadata, Options, Sources, WhenFull, contents,
    };

    fn namespace() -> Namespace {
        "a".parse().unwrap()
    }

    fn full_store() -> InMemoryStore {
        let bound = Bound { entries: NonZeroUsize::new(3).unwrap(), when_full: WhenFull::default() };
        let store =
            InMemoryStore::new(Options { bound: Some(bound), ..Options::default() }, Sources::seeded(1));
        for key in ["user/1", "user/2", "ключ 100%"] {
            store.save(&namespace(), key, json!(key), Metadata::new()).unwrap();
        }
        store
    }

    fn ask(store: &dyn MemoryStore, method: &str, target: &str, host: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        answer(&request.body(()).unwrap().into_parts().0, store, &namespace())
    }

    fn get(store: &dyn MemoryStore, target: &str) -> (u16, Value) {
        let Answer { status, body } = ask(store, "GET", target, Some("127.0.0.1:80"));
        (status.as_u16(), body)
    }

    fn keys(body: &Value) -> Vec<&str> {
        body["entries"].as_array().unwrap().iter().map(|entry| entry["key"].as_str().unwrap()).collect()
    }

    #[test]
    fn memory_is_shown_page_by_page() {
        let store = full_store();
        let (status, body) = get(&store, "/memory?prefix=user%2F&limit=1");
        assert_eq!((status, keys(&body), &body["total"]), (200, vec!["user/1"], &json!(2)));
        let next = body["next"].as_str().unwrap();
        let (_, body) = get(&store, &format!("/memory?limit=1&cursor={next}&prefix=user/"));
        assert_eq!((keys(&body), &body["next"]), (vec!["user/2"], &Value::Null));
        let (status, body) = get(&store, "/memory");
        assert_eq!((status, keys(&body).len()), (200, 3));
    }

    #[test]
    fn an_entry_is_shown_by_its_key() {
        let store = full_store();
        for target in ["/memory/user/1", "/memory/user%2f1", "/memory/%75ser/1"] {
            assert_eq!(get(&store, target).1["value"], json!("user/1"));
        }
        let target = "/memory/%D0%BA%D0%BB%D1%8E%D1%87%20100%25";
        assert_eq!(get(&store, target).1["key"], json!("ключ 100%"));
        for absent in ["/memory/user", "/memory/user/3", "/memory/user/1/", "/memory/user+1"] {
            assert_eq!(get(&store, absent).0, 404, "{absent}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let store = full_store();
        for (target, status) in [
            ("/", 404),
            ("/memoryx", 404),
            ("/healthz/", 404),
            ("/memory/", 400),
            ("/memory/%", 400),
            ("/memory/%zz", 400),
            ("/memory/%ff", 400),
            ("/memory/user/1?x=1", 400),
            ("/healthz?x=1", 400),
            ("/memory?limit=0", 400),
            ("/memory?limit=101", 400),
            ("/memory?limit=-1", 400),
            ("/memory?limit", 400),
            ("/memory?cursor=zz", 400),
            ("/memory?limit=1&limit=2", 400),
            ("/memory?tenant=b", 400),
        ] {
            let (given, body) = get(&store, target);
            assert!(given == status && body["error"].is_string(), "{target}: {given} {body}");
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = ask(&store, method, "/memory", Some("localhost"));
            assert_eq!(answer.into_response().headers()[ALLOW], "GET, HEAD", "{method}");
        }
    }

    #[test]
    fn a_name_that_is_made_to_lead_here_is_not_answered() {
        let store = full_store();
        for (host, status) in [
            (Some("127.0.0.1:8080"), 200),
            (Some("[::1]:8080"), 200),
            (Some("LocalHost:8080"), 200),
            (Some("192.0.2.1"), 200),
            (Some("evil.example:8080"), 421),
            (Some("localhost.evil.example"), 421),
            (Some("127.0.0.1.evil.example"), 421),
            (Some(""), 400),
            (None, 400),
        ] {
            for target in ["/memory", "/healthz"] {
                assert_eq!(ask(&store, "GET", target, host).status.as_u16(), status, "{host:?}");
            }
        }
        let whole = ask(&store, "GET", "http://evil.example/memory", Some("localhost"));
        assert_eq!(whole.status, StatusCode::MISDIRECTED_REQUEST);
    }

    #[test]
    fn looking_changes_nothing_not_even_what_is_dropped_next() {
        let (store, untouched) = (full_store(), full_store());
        let state =
            |store: &InMemoryStore| (contents(store, &namespace()).unwrap(), store.stats(None).unwrap());
        for _ in 0..3 {
            for target in ["/healthz", "/memory", "/memory/user/1", "/memory/absent"] {
                get(&store, target);
            }
            assert_eq!(state(&store), state(&untouched));
        }
        let dropped = |store: &InMemoryStore| {
            store.save(&namespace(), "new", json!(0), Metadata::new()).unwrap().evicted
        };
        assert_eq!(dropped(&store).as_deref(), Some("user/1"));
        assert_eq!(dropped(&untouched).as_deref(), Some("user/1"));
    }

    #[test]
    fn health_is_that_the_store_answers() {
        let (status, body) = get(&full_store(), "/healthz");
        assert_eq!((status, &body["status"], &body["memory"]["entries"]), (200, &json!("ok"), &json!(3)));
        assert_eq!(get(&DisabledStore, "/healthz"), (200, json!({"status": "disabled"})));
        assert_eq!(get(&DisabledStore, "/memory"), (503, json!({"error": "memory is disabled"})));
    }
}
