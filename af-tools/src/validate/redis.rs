//! Redis: PING, and what INFO says.

mod info;

use ::redis::{
    Client, ConnectionAddr, ConnectionInfo, ErrorKind, InfoDict, IntoConnectionInfo, RedisError,
    ServerErrorKind, cmd,
};

use super::attempts::Limits;
use super::health::{Finding, Observation, Status};
use super::plan::{Error, Places};
use super::reach::reach;
use super::{Cause, Service, Trouble};
use crate::connection::Environment;

/// Where Redis is, and how to get in.
#[derive(Clone)]
pub(super) struct Target(ConnectionInfo);

/// By hand: the driver's own form shows the password.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Target").field(&self.address()).finish()
    }
}

impl Target {
    /// By `--redis-url`, else by `REDIS_URL`; nothing where neither is given.
    pub(super) fn find(places: &Places, environment: &Environment) -> Result<Option<Self>, Error> {
        let url = places.redis_url.as_ref().map(|url| url.reveal()).or_else(|| environment.get("REDIS_URL"));
        let Some(url) = url else { return Ok(None) };
        let invalid = |reason: &str| Error::Url { service: Service::Redis, reason: reason.to_owned() };
        // The driver's messages name what is wrong, and repeat nothing of the URL.
        let info = url.into_connection_info().map_err(|error| {
            invalid(if error.kind() == ErrorKind::InvalidClientConfig {
                error.category()
            } else {
                "malformed"
            })
        })?;
        if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
            return Err(invalid("#insecure, a certificate that nobody looks at, is not supported"));
        }
        Ok(Some(Self(info)))
    }

    /// Host and port, or the socket, with the user if there is one.
    pub(super) fn address(&self) -> String {
        let user = self.0.redis_settings().username().map_or_else(String::new, |user| format!(" as {user}"));
        match self.0.addr() {
            ConnectionAddr::Tcp(host, port) => format!("{host} port {port}{user}"),
            ConnectionAddr::TcpTls { host, port, .. } => format!("{host} port {port} (TLS){user}"),
            ConnectionAddr::Unix(path) => format!("{}{user}", path.display()),
            other => other.to_string(),
        }
    }

    pub(super) fn probe(&self, limits: &Limits) -> Result<Observation, Trouble> {
        let (ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. }) = self.0.addr()
        else {
            return self.ask(limits);
        };
        reach(Service::Redis, host, *port, limits)?;
        self.ask(limits)
    }

    fn ask(&self, limits: &Limits) -> Result<Observation, Trouble> {
        let failed = |doing: &'static str| move |error: RedisError| self.trouble(doing, &error);
        let client = Client::open(self.0.clone()).map_err(failed("set up the client"))?;
        let mut connection = client.get_connection_with_timeout(limits.connect).map_err(failed("connect"))?;
        connection.set_read_timeout(Some(limits.read)).map_err(failed("set the deadline"))?;
        connection.set_write_timeout(Some(limits.read)).map_err(failed("set the deadline"))?;
        cmd("PING").exec(&mut connection).map_err(failed("PING"))?;
        match cmd("INFO").query::<InfoDict>(&mut connection) {
            Ok(info) => Ok(info::observe(&info)),
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => Ok(not_allowed()),
            Err(error) => Err(self.trouble("INFO", &error)),
        }
    }

    fn trouble(&self, doing: &str, error: &RedisError) -> Trouble {
        let is_tls = matches!(self.0.addr(), ConnectionAddr::TcpTls { .. });
        let cause = cause(error, is_tls);
        // The system's words for a read whose time is over say something else.
        let said = if cause == Cause::Timeout { "no answer in time".to_owned() } else { error.to_string() };
        let mut trouble =
            Trouble::new(Service::Redis, cause, format!("{doing} at {}: {said}", self.address()));
        if is_tls && cause == Cause::Timeout {
            trouble
                .guidance
                .push_str(" A port without TLS gives no answer either: its URL begins with redis://.");
        }
        trouble
    }
}

fn cause(error: &RedisError, is_tls: bool) -> Cause {
    let io_error =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    match error.kind() {
        ErrorKind::AuthenticationFailed => Cause::Authentication,
        ErrorKind::Server(
            ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown | ServerErrorKind::TryAgain,
        ) => Cause::Starting,
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType | ErrorKind::RESP3NotSupported => Cause::Protocol,
        ErrorKind::InvalidClientConfig if is_tls => Cause::Tls,
        _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => Cause::Authentication,
        _ if error.is_timeout() => Cause::Timeout,
        _ if error.is_connection_refusal() => Cause::Refused,
        ErrorKind::Io => match io_error.map(Cause::of_io) {
            // Whoever hangs up during the handshake speaks no TLS.
            Some(Cause::Closed) | None if is_tls => Cause::Tls,
            Some(Cause::Tls) if !is_tls => Cause::Protocol,
            Some(cause) => cause,
            None => Cause::Closed,
        },
        _ => Cause::Refusal,
    }
}

/// What can be said where the user may not ask for more.
fn not_allowed() -> Observation {
    let finding = Finding::problem(
        Status::Warn,
        "info",
        serde_json::Value::Null,
        "the user may not run INFO, so that PING is all that is known",
        "Let it: `ACL SETUSER NAME +info`.",
    );
    let reason = || "INFO is not allowed".to_owned();
    let not_checked = ["loading", "replication", "persistence", "memory"].map(|part| (part, reason()));
    Observation { findings: vec![finding], not_checked: not_checked.into(), is_starting: false }
}
