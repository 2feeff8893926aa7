//! Sessions: one server after the other is tried, then the session is set up.

use postgres::config::{ChannelBinding, SslMode as Tls, TargetSessionAttrs};
use postgres::{CancelToken, Client, Config, GenericClient, IsolationLevel, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Address, Error, Host, Settings, SslMode, tls};
use crate::server::{ServerError, quote_ident};

/// The schema given by the user, that of the extension, and public: all of them, where they exist.
/// The one that is asked for comes first, so that its tables are found and new ones go there.
const SEARCH_PATH: &str = "SELECT string_agg(DISTINCT quote_ident(nspname), ', ') FROM pg_catalog.pg_namespace \
     WHERE nspname = 'public' OR oid = (SELECT extnamespace FROM pg_catalog.pg_extension WHERE extname = 'pg_af')";

/// An open session.
pub struct Connection {
    /// The driver's handle.
    pub client: Client,
    /// The one that accepted, of those to try.
    pub host: Host,
    settings: Settings,
    tls: MakeRustlsConnect,
}

/// Begins to read, all at one moment: what others commit meanwhile is not seen.
pub(crate) fn begin_snapshot(client: &mut Client) -> Result<Transaction<'_>, postgres::Error> {
    client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()
}

/// Asks the server to give up what a session is doing; usable from another thread.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    tls: MakeRustlsConnect,
}

impl Canceller {
    /// Asks. Whether it had an effect shows in the session.
    pub fn cancel(&self) {
        // Nothing is lost when the request fails: the query goes on, and the process can still end.
        let _ = self.token.cancel_query(self.tls.clone());
    }
}

impl Connection {
    /// Connects to the first server that accepts, and selects the schema.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let mut connection = Self::connect(settings)?;
        match &settings.schema {
            Some(schema) if !select_schema(&mut connection.client, schema)? => {
                Err(Error::NoSuchSchema(schema.clone()))
            }
            _ => Ok(connection),
        }
    }

    /// The same without a look at the schema.
    pub(crate) fn connect(settings: &Settings) -> Result<Self, Error> {
        let tls = MakeRustlsConnect::new(tls::client_config(settings)?);
        let mut last = None;
        for (host, mode) in attempts(settings) {
            match configure(settings, host, mode)?.connect(tls.clone()) {
                Ok(client) => {
                    return Ok(Self { client, host: host.clone(), settings: settings.clone(), tls });
                }
                Err(error) => {
                    let source = ServerError::from(error);
                    last = Some(worse(last, Error::Connect { target: host.describe(), source }));
                }
            }
        }
        Err(last.unwrap_or(Error::InvalidValue { keyword: "host", reason: "no host given".to_owned() }))
    }

    /// Another session with the same server.
    pub fn another(&self) -> Result<Self, Error> {
        Self::open(&Settings { hosts: vec![self.host.clone()], ..self.settings.clone() })
    }

    /// What can cancel this session's queries.
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), tls: self.tls.clone() }
    }
}

/// Puts `schema` first on the search_path, if it exists; says whether it does.
pub(crate) fn select_schema(client: &mut impl GenericClient, schema: &str) -> Result<bool, Error> {
    let session = |error: postgres::Error| Error::Session(error.into());
    let exists = client
        .query_one("SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)", &[&schema])
        .map_err(session)?;
    if !exists.get::<_, bool>(0) {
        return Ok(false);
    }
    let others: Option<String> = client.query_one(SEARCH_PATH, &[]).map_err(session)?.get(0);
    client.batch_execute(&set_search_path(schema, others)).map_err(session)?;
    Ok(true)
}

fn set_search_path(schema: &str, others: Option<String>) -> String {
    let first = quote_ident(schema);
    match others {
        Some(others) => format!("SET search_path = {first}, {others}"),
        None => format!("SET search_path = {first}"),
    }
}

/// What is tried, in order: each host with TLS, without, or with both, as its mode says.
fn attempts(settings: &Settings) -> impl Iterator<Item = (&Host, Tls)> {
    settings.hosts.iter().flat_map(|host| {
        let modes: &[Tls] = match (&host.address, settings.sslmode) {
            (Address::Socket(_), _) | (_, SslMode::Disable) => &[Tls::Disable],
            (_, SslMode::Allow) => &[Tls::Disable, Tls::Require],
            (_, SslMode::Prefer) => &[Tls::Prefer, Tls::Disable],
            (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[Tls::Require],
        };
        modes.iter().map(move |mode| (host, *mode))
    })
}

/// Of two failed attempts the one to report: what a server said goes before what the network did.
fn worse(earlier: Option<Error>, later: Error) -> Error {
    match earlier {
        Some(Error::Connect { target, source }) if source.code().is_some() => {
            Error::Connect { target, source }
        }
        _ => later,
    }
}

fn configure(settings: &Settings, host: &Host, mode: Tls) -> Result<Config, Error> {
    let mut config = Config::new();
    match &host.address {
        #[cfg(unix)]
        Address::Socket(directory) => {
            config.host_path(directory);
        }
        #[cfg(not(unix))]
        Address::Socket(_) => return Err(Error::Unsupported("a Unix socket on this system".to_owned())),
        Address::Tcp { name, hostaddr } => {
            config.host(name);
            if let Some(address) = hostaddr {
                config.hostaddr(*address);
            }
        }
    }
    config.port(host.port).user(&settings.user).dbname(&settings.dbname).ssl_mode(mode);
    config.application_name(&settings.application_name);
    if let Some(password) = &host.password {
        config.password(password.reveal());
    }
    config.channel_binding(match settings.channel_binding {
        None => ChannelBinding::Prefer,
        Some(true) => ChannelBinding::Require,
        Some(false) => ChannelBinding::Disable,
    });
    if let Some(timeout) = settings.connect_timeout {
        config.connect_timeout(timeout);
    }
    config.keepalives(settings.keepalives_idle.is_some());
    if let Some(idle) = settings.keepalives_idle {
        config.keepalives_idle(idle);
    }
    if let Some(is_writable) = settings.is_writable {
        config.target_session_attrs(if is_writable {
            TargetSessionAttrs::ReadWrite
        } else {
            TargetSessionAttrs::ReadOnly
        });
    }
    if !settings.options.is_empty() {
        config.options(&options_text(&settings.options));
    }
    Ok(config)
}

/// Server parameters as one line of options.
pub(super) fn options_text(options: &[(String, String)]) -> String {
    let escape = |text: &str| text.replace('\\', r"\\").replace(' ', r"\ ");
    let options = options.iter().map(|(name, value)| format!("-c {}={}", escape(name), escape(value)));
    options.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Environment, Source};

    fn settings(url: &str) -> Settings {
        let environment = Environment { user: Some("me".to_owned()), ..Environment::default() };
        Settings::resolve(&Source { url: Some(url.to_owned()), schema: None }, &environment).unwrap()
    }

    #[test]
    fn attempts_follow_the_mode_and_sockets_never_use_tls() {
        let modes = |url: &str| attempts(&settings(url)).map(|(_, mode)| mode).collect::<Vec<_>>();
        assert_eq!(modes("host=h sslmode=allow"), [Tls::Disable, Tls::Require]);
        assert_eq!(modes("host=h"), [Tls::Prefer, Tls::Disable]);
        assert_eq!(modes("host=h sslmode=require"), [Tls::Require]);
        assert_eq!(modes("host=/run,h sslmode=require"), [Tls::Disable, Tls::Require]);
    }

    #[test]
    fn the_driver_gets_what_the_settings_say() {
        let settings = settings(
            "host=h hostaddr=127.0.0.1 port=7 user=u dbname=d password=p options='-c geqo=off' \
             application_name=x channel_binding=require target_session_attrs=read-write",
        );
        let config = configure(&settings, &settings.hosts[0], Tls::Require).unwrap();
        assert_eq!((config.get_user(), config.get_dbname()), (Some("u"), Some("d")));
        assert_eq!((config.get_ports(), config.get_hostaddrs().len()), (&[7][..], 1));
        assert_eq!((config.get_password(), config.get_application_name()), (Some(&b"p"[..]), Some("x")));
        assert_eq!(config.get_options(), Some("-c geqo=off"));
        assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }

    #[cfg(windows)]
    #[test]
    fn a_socket_is_refused_where_there_are_none() {
        for host in ["/run/pg", r"C:\\run\\pg"] {
            let settings = settings(&format!("host={host}"));
            let refused = configure(&settings, &settings.hosts[0], Tls::Disable);
            assert!(matches!(refused, Err(Error::Unsupported(_))), "{host}");
        }
    }

    #[test]
    fn the_search_path_is_quoted() {
        let path = set_search_path("a\"b", Some("public".to_owned()));
        assert_eq!(path, "SET search_path = \"a\"\"b\", public");
    }
}
