//! Sessions: one server after the other is tried, then the session is set up.

use std::time::Duration;

use postgres::config::{ChannelBinding, SslMode as Tls, TargetSessionAttrs};
use postgres::{CancelToken, Client, Config};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, Row};
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
    tls: MakeRustlsConnect,
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
        let tls = MakeRustlsConnect::new(tls::client_config(settings)?);
        let mut last = None;
        for (host, mode) in attempts(settings) {
            match configure(settings, host, mode)?.connect(tls.clone()) {
                Ok(client) => {
                    let mut connection = Self { client, tls };
                    connection.select_schema(settings)?;
                    return Ok(connection);
                }
                Err(error) => {
                    let source = ServerError::from(error);
                    last = Some(worse(last, Error::Connect { target: host.describe(), source }));
                }
            }
        }
        Err(last.unwrap_or(Error::InvalidValue { keyword: "host", reason: "no host given".to_owned() }))
    }

    /// What can cancel this session's queries.
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), tls: self.tls.clone() }
    }

    fn select_schema(&mut self, settings: &Settings) -> Result<(), Error> {
        let Some(schema) = &settings.schema else { return Ok(()) };
        let session = |error: postgres::Error| Error::Session(error.into());
        let exists = self
            .client
            .query_one("SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)", &[schema])
            .map_err(session)?;
        if !exists.get::<_, bool>(0) {
            return Err(Error::NoSuchSchema(schema.clone()));
        }
        let others: Option<String> = self.client.query_one(SEARCH_PATH, &[]).map_err(session)?.get(0);
        self.client.batch_execute(&set_search_path(schema, others)).map_err(session)
    }
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
        let escape = |text: &str| text.replace('\\', r"\\").replace(' ', r"\ ");
        let options =
            settings.options.iter().map(|(name, value)| format!("-c {}={}", escape(name), escape(value)));
        config.options(&options.collect::<Vec<_>>().join(" "));
    }
    Ok(config)
}

/// The same for sqlx, which runs the migrations.
///
/// With `create_schema` the schema of the settings is created if it is not there.
pub(crate) async fn connect_sqlx(settings: &Settings, create_schema: bool) -> Result<PgConnection, Error> {
    let mut last = None;
    for (host, mode) in attempts(settings) {
        let connect = async {
            let options = sqlx_options(settings, host, mode);
            let connecting = options.connect();
            match settings.connect_timeout {
                None => connecting.await.map_err(ServerError::from),
                Some(timeout) => within(timeout, connecting).await,
            }
        };
        match connect.await {
            Ok(mut connection) => {
                select_schema_sqlx(&mut connection, settings, create_schema).await?;
                return Ok(connection);
            }
            Err(source) => last = Some(worse(last, Error::Connect { target: host.describe(), source })),
        }
    }
    Err(last.unwrap_or(Error::InvalidValue { keyword: "host", reason: "no host given".to_owned() }))
}

async fn within(
    timeout: Duration,
    connecting: impl Future<Output = Result<PgConnection, sqlx::Error>>,
) -> Result<PgConnection, ServerError> {
    match tokio::time::timeout(timeout, connecting).await {
        Ok(connected) => connected.map_err(ServerError::from),
        Err(_) => Err(ServerError::message(format!("no answer within {} s", timeout.as_secs()))),
    }
}

async fn select_schema_sqlx(
    connection: &mut PgConnection,
    settings: &Settings,
    create: bool,
) -> Result<(), Error> {
    let Some(schema) = &settings.schema else { return Ok(()) };
    let session = |error: sqlx::Error| Error::Session(error.into());
    let exists = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    let exists: bool =
        sqlx::query(exists).bind(schema).fetch_one(&mut *connection).await.map_err(session)?.get(0);
    if !exists && !create {
        return Err(Error::NoSuchSchema(schema.clone()));
    }
    if !exists {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quote_ident(schema));
        connection.execute(AssertSqlSafe(create)).await.map_err(session)?;
    }
    let others: Option<String> = connection.fetch_one(SEARCH_PATH).await.map_err(session)?.get(0);
    connection.execute(AssertSqlSafe(set_search_path(schema, others))).await.map_err(session)?;
    Ok(())
}

fn sqlx_options(settings: &Settings, host: &Host, mode: Tls) -> PgConnectOptions {
    let mut options = PgConnectOptions::new_without_pgpass()
        .port(host.port)
        .username(&settings.user)
        .database(&settings.dbname)
        .application_name(&settings.application_name)
        .options(settings.options.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    options = match &host.address {
        Address::Socket(directory) => options.socket(directory),
        Address::Tcp { name, hostaddr: None } => options.host(name),
        Address::Tcp { hostaddr: Some(address), .. } => options.host(&address.to_string()),
    };
    // Always set: left out, sqlx would take PGPASSWORD, which counts only where the settings say so.
    options = options.password(host.password.as_ref().map_or("", |password| password.reveal()));
    if let Some(super::RootCertificates::File(path)) = &settings.root_certificates {
        options = options.ssl_root_cert(path);
    }
    if let Some((certificate, key)) = &settings.client_certificate {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    options.ssl_mode(match (mode, settings.sslmode) {
        (Tls::Disable, _) => PgSslMode::Disable,
        (_, SslMode::VerifyFull) => PgSslMode::VerifyFull,
        (_, SslMode::VerifyCa) => PgSslMode::VerifyCa,
        (Tls::Prefer, _) => PgSslMode::Prefer,
        _ => PgSslMode::Require,
    })
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
        #[cfg(unix)]
        assert_eq!(modes("host=/run,h sslmode=require"), [Tls::Disable, Tls::Require]);
    }

    #[test]
    fn both_drivers_get_the_same() {
        let settings =
            settings("host=h port=7 user=u dbname=d password=p options='-c geqo=off' application_name=x");
        let host = &settings.hosts[0];
        let config = configure(&settings, host, Tls::Require).unwrap();
        let options = sqlx_options(&settings, host, Tls::Require);
        assert_eq!(config.get_user(), Some(options.get_username()));
        assert_eq!(config.get_dbname(), options.get_database());
        assert_eq!(config.get_ports(), [options.get_port()]);
        assert_eq!(config.get_application_name(), options.get_application_name());
        assert_eq!(config.get_password(), Some(&b"p"[..]));
        assert_eq!(config.get_options(), Some("-c geqo=off"));
        assert!(options.get_options().is_some_and(|options| options.contains("geqo=off")));
    }

    #[test]
    fn the_search_path_is_quoted() {
        let path = set_search_path("a\"b", Some("public".to_owned()));
        assert_eq!(path, "SET search_path = \"a\"\"b\", public");
    }
}
