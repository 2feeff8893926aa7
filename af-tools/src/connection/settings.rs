//! From parameters to settings: what the driver is configured with.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::options::session_options;
use super::parameters::Parameters;
use super::{Environment, Error, passfile, service};
use crate::secrets::Secret;

/// Where packagers put the server's socket, in the order in which they are tried.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const DEFAULT_PORT: u16 = 5432;
/// PostgreSQL cuts longer names off (NAMEDATALEN), and then they name something else.
const LONGEST_NAME_BYTES: usize = 63;

/// What the command line says about the connection.
#[derive(Clone, Default)]
pub struct Source {
    /// The connection string of `--url`.
    pub url: Option<String>,
    /// The schema of `--schema`.
    pub schema: Option<String>,
}

impl Source {
    /// Whether anything says which database is meant, or where it is: `--url`, `DATABASE_URL`, `PGSERVICE`, `PGHOST`,
    /// `PGHOSTADDR` or `PGDATABASE`. Others, such as `PGUSER`, only say how one would connect; for commands that can do
    /// without a database.
    pub fn names_a_database(&self, environment: &Environment) -> bool {
        const NAMING: [&str; 5] = ["DATABASE_URL", "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE"];
        self.url.is_some() || NAMING.iter().any(|name| environment.get(name).is_some())
    }
}

/// How far the connection is protected, as in libpq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS only where the server refuses anything else.
    Allow,
    /// TLS where the server offers it.
    Prefer,
    /// TLS, whoever the server is.
    Require,
    /// TLS with a certificate that a known authority has signed.
    VerifyCa,
    /// The same, and the certificate names the host.
    VerifyFull,
}

impl SslMode {
    const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// What libpq calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl FromStr for SslMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|mode| mode.name() == text);
        named.ok_or("disable, allow, prefer, require, verify-ca or verify-full expected")
    }
}

/// Whose signature on the server's certificate counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCertificates {
    /// Those that the operating system trusts (`sslrootcert=system`).
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The directory of a Unix socket.
    Socket(PathBuf),
    /// A host name or address; `hostaddr`, where given, is what is dialled.
    Tcp {
        /// What the certificate must name.
        name: String,
        /// What is dialled instead of looking the name up.
        hostaddr: Option<IpAddr>,
    },
}

/// One of the servers to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Where it listens.
    pub address: Address,
    /// On which port, or behind which socket.
    pub port: u16,
    /// The password for it.
    pub password: Option<Secret>,
}

impl Host {
    /// Host and port for people.
    pub fn describe(&self) -> String {
        match &self.address {
            Address::Socket(directory) => format!("{}/.s.PGSQL.{}", directory.display(), self.port),
            Address::Tcp { name, .. } => format!("{name} port {}", self.port),
        }
    }
}

/// Everything that a connection needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The servers, in the order in which they are tried.
    pub hosts: Vec<Host>,
    /// Whether the connection string or the service gives the password.
    pub has_explicit_password: bool,
    /// The role.
    pub user: String,
    /// The database.
    pub dbname: String,
    /// How far the connection is protected.
    pub sslmode: SslMode,
    /// Whose signatures count; `None` where the mode does not look at them.
    pub root_certificates: Option<RootCertificates>,
    /// The client's certificate and its key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Whether the password exchange must be bound to the TLS channel (`true`), must not be
    /// (`false`), or is where possible.
    pub channel_binding: Option<bool>,
    /// How long each server may take to answer.
    pub connect_timeout: Option<Duration>,
    /// Seconds without traffic after which TCP asks whether the server lives; `None` never asks.
    pub keepalives_idle: Option<Duration>,
    /// What the server's activity view shows.
    pub application_name: String,
    /// Server parameters for the session.
    pub options: Vec<(String, String)>,
    /// `Some(true)` accepts only a server that takes writes, `Some(false)` only one that does not.
    pub is_writable: Option<bool>,
    /// The schema of pg_af's tables, unless search_path finds them.
    pub schema: Option<String>,
    /// What the user should know, such as a password file that is not used.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Resolves the settings.
    pub fn resolve(source: &Source, environment: &Environment) -> Result<Self, Error> {
        check_schema(source.schema.as_deref().unwrap_or("public"))?;
        let text = source.url.as_deref().or_else(|| environment.get("DATABASE_URL"));
        let mut parameters = Parameters::parse(text.unwrap_or_default())?;
        let variables = Parameters::from_variables(|name| environment.get(name))?;
        if let Some(service) = parameters.get("service").or_else(|| variables.get("service")) {
            let file = parameters.get("servicefile").or_else(|| variables.get("servicefile"));
            let found = service::lookup(service, file, environment)?;
            parameters.fill_from(found);
        }
        let has_explicit_password = parameters.get("password").is_some();
        parameters.fill_from(variables);

        let mut warnings = Vec::new();
        let user = parameters.get("user").or(environment.user.as_deref()).map(str::to_owned).ok_or(
            Error::InvalidValue {
                keyword: "user",
                reason: "not given, and the system does not tell".to_owned(),
            },
        )?;
        let dbname = parameters.get("dbname").unwrap_or(&user).to_owned();
        let mut hosts = hosts(&parameters)?;
        add_passwords(&mut hosts, &parameters, environment, &dbname, &user, &mut warnings);
        let (sslmode, root_certificates) = protection(&parameters, environment)?;
        match parameters.get("gssencmode") {
            None | Some("disable" | "prefer") => {}
            Some(_) => return Err(Error::Unsupported("gssencmode=require".to_owned())),
        }
        match parameters.get("ssl_min_protocol_version") {
            // Older versions are never spoken.
            None | Some("TLSv1" | "TLSv1.1" | "TLSv1.2") => {}
            Some(other) => return Err(Error::Unsupported(format!("ssl_min_protocol_version={other}"))),
        }
        let application_name = parameters
            .get("application_name")
            .or(parameters.get("fallback_application_name"))
            .unwrap_or("af-tools");

        Ok(Self {
            hosts,
            has_explicit_password,
            sslmode,
            root_certificates,
            client_certificate: client_certificate(&parameters, environment),
            channel_binding: channel_binding(&parameters)?,
            connect_timeout: connect_timeout(&parameters)?,
            keepalives_idle: keepalives_idle(&parameters)?,
            application_name: application_name.to_owned(),
            options: session_options(parameters.get("options").unwrap_or_default())?,
            is_writable: is_writable(&parameters)?,
            schema: source.schema.clone(),
            user,
            dbname,
            warnings,
        })
    }

    /// Has the same password for every host, in the place of whatever was there.
    pub fn set_password(&mut self, password: &Secret) {
        for host in &mut self.hosts {
            host.password = Some(password.clone());
        }
    }
}

fn check_schema(name: &str) -> Result<(), Error> {
    let reason = match name {
        "" => "must not be empty".to_owned(),
        // On the search_path this stands for another schema, the one named like the role.
        "$user" => "$user means the role's own schema, whatever its name".to_owned(),
        name if name.len() > LONGEST_NAME_BYTES => {
            format!("must not be longer than {LONGEST_NAME_BYTES} bytes")
        }
        _ => return Ok(()),
    };
    Err(Error::SchemaName(reason))
}

fn invalid(keyword: &'static str, reason: impl Into<String>) -> Error {
    Error::InvalidValue { keyword, reason: reason.into() }
}

/// The cross of `host`, `hostaddr` and `port`, each a list.
fn hosts(parameters: &Parameters) -> Result<Vec<Host>, Error> {
    let list = |keyword| parameters.get(keyword).map(|value| value.split(',').collect::<Vec<_>>());
    let (names, addresses) = (list("host"), list("hostaddr"));
    let count = match (&names, &addresses) {
        (Some(names), Some(addresses)) if names.len() != addresses.len() => {
            return Err(invalid("hostaddr", "there must be as many as host names"));
        }
        (Some(some), _) | (None, Some(some)) => some.len(),
        (None, None) => 1,
    };
    let ports = match list("port") {
        None => vec![DEFAULT_PORT; count],
        Some(ports) if ports.len() == 1 || ports.len() == count => {
            let ports = ports.into_iter().map(parse_port).collect::<Result<Vec<_>, _>>()?;
            ports.iter().copied().cycle().take(count).collect()
        }
        Some(_) => return Err(invalid("port", "there must be one, or as many as hosts")),
    };
    let item = |list: &Option<Vec<&str>>, index: usize| {
        list.as_ref().and_then(|list| list.get(index).copied()).unwrap_or_default().to_owned()
    };
    (0..count)
        .map(|index| {
            let (name, hostaddr) = (item(&names, index), item(&addresses, index));
            let port = ports[index];
            let hostaddr = match hostaddr.as_str() {
                "" => None,
                text => Some(text.parse().map_err(|_| invalid("hostaddr", "not an IP address"))?),
            };
            Ok(Host { address: address(name, hostaddr, port)?, port, password: None })
        })
        .collect()
}

fn parse_port(text: &str) -> Result<u16, Error> {
    match text {
        "" => Ok(DEFAULT_PORT),
        text => match text.trim().parse() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(invalid("port", "a number from 1 to 65535 expected")),
        },
    }
}

fn address(name: String, hostaddr: Option<IpAddr>, port: u16) -> Result<Address, Error> {
    if name.starts_with('@') {
        return Err(Error::Unsupported("a socket in the abstract namespace (host=@…)".to_owned()));
    }
    if let Some(ip) = hostaddr {
        let name = if name.is_empty() { ip.to_string() } else { name };
        return Ok(Address::Tcp { name, hostaddr });
    }
    // On Windows that is a path with or without a drive; a socket there is refused where it would be used.
    if Path::new(&name).has_root() {
        return Ok(Address::Socket(PathBuf::from(name)));
    }
    if !name.is_empty() {
        return Ok(Address::Tcp { name, hostaddr: None });
    }
    // Where libpq's packager compiled one directory in, the one that has the socket is taken.
    let directories = SOCKET_DIRECTORIES.iter().map(Path::new);
    let has_socket = |directory: &&Path| directory.join(format!(".s.PGSQL.{port}")).exists();
    let found =
        directories.clone().find(has_socket).or_else(|| directories.clone().find(|path| path.is_dir()));
    Ok(match found.filter(|_| cfg!(unix)) {
        Some(directory) => Address::Socket(directory.to_owned()),
        None => Address::Tcp { name: "localhost".to_owned(), hostaddr: None },
    })
}

fn add_passwords(
    hosts: &mut [Host],
    parameters: &Parameters,
    environment: &Environment,
    dbname: &str,
    user: &str,
    warnings: &mut Vec<String>,
) {
    if let Some(password) = parameters.get("password") {
        for host in hosts {
            host.password = Some(Secret::new(password.to_owned()));
        }
        return;
    }
    let path = parameters.get("passfile").map(PathBuf::from).or_else(|| passfile::default_path(environment));
    let text = match path.map(|path| passfile::read(&path)) {
        None | Some(Ok(None)) => return,
        Some(Ok(Some(text))) => text,
        Some(Err(warning)) => {
            warnings.push(warning);
            return;
        }
    };
    for host in hosts {
        // A socket in its usual place goes by the name localhost there.
        let names = match &host.address {
            Address::Tcp { name, .. } => vec![name.as_str()],
            Address::Socket(directory) => {
                let is_usual = SOCKET_DIRECTORIES.iter().any(|usual| Path::new(usual) == directory);
                let localhost = is_usual.then_some("localhost");
                directory.to_str().into_iter().chain(localhost).collect()
            }
        };
        host.password = passfile::lookup(&text, &names, host.port, dbname, user);
    }
}

/// The mode, and whose signatures count in it.
fn protection(
    parameters: &Parameters,
    environment: &Environment,
) -> Result<(SslMode, Option<RootCertificates>), Error> {
    let mode: Option<SslMode> = parameters
        .get("sslmode")
        .map(|text| text.parse().map_err(|reason| invalid("sslmode", reason)))
        .transpose()?;
    let file = match parameters.get("sslrootcert") {
        Some("system") => {
            return match mode {
                None | Some(SslMode::VerifyFull) => Ok((SslMode::VerifyFull, Some(RootCertificates::System))),
                Some(_) => Err(invalid("sslmode", "sslrootcert=system demands verify-full")),
            };
        }
        Some(path) => Some(PathBuf::from(path)),
        None => environment.user_file(".postgresql/root.crt", "root.crt").filter(|path| path.exists()),
    };
    let root_certificates = file.map(RootCertificates::File);
    Ok(match (mode.unwrap_or(SslMode::Prefer), root_certificates) {
        (SslMode::VerifyCa | SslMode::VerifyFull, None) => {
            return Err(invalid("sslrootcert", "needed by this sslmode: a PEM file, or system"));
        }
        // As in libpq: with root certificates at hand, `require` looks at them.
        (SslMode::Require | SslMode::VerifyCa, Some(certificates)) => (SslMode::VerifyCa, Some(certificates)),
        (SslMode::VerifyFull, certificates) => (SslMode::VerifyFull, certificates),
        (mode, _) => (mode, None),
    })
}

fn client_certificate(parameters: &Parameters, environment: &Environment) -> Option<(PathBuf, PathBuf)> {
    let path = |keyword, unix_name, windows_name| {
        parameters.get(keyword).map(PathBuf::from).or_else(|| environment.user_file(unix_name, windows_name))
    };
    let certificate = path("sslcert", ".postgresql/postgresql.crt", "postgresql.crt")?;
    let key = path("sslkey", ".postgresql/postgresql.key", "postgresql.key")?;
    // What was named must be there; what is only usual may be absent.
    (parameters.get("sslcert").is_some() || certificate.exists()).then_some((certificate, key))
}

fn channel_binding(parameters: &Parameters) -> Result<Option<bool>, Error> {
    match parameters.get("channel_binding") {
        None | Some("prefer") => Ok(None),
        Some("require") => Ok(Some(true)),
        Some("disable") => Ok(Some(false)),
        Some(_) => Err(invalid("channel_binding", "disable, prefer or require expected")),
    }
}

fn is_writable(parameters: &Parameters) -> Result<Option<bool>, Error> {
    match parameters.get("target_session_attrs") {
        None | Some("any") => Ok(None),
        Some("read-write") => Ok(Some(true)),
        Some("read-only") => Ok(Some(false)),
        Some(other) => Err(Error::Unsupported(format!("target_session_attrs={other}"))),
    }
}

fn connect_timeout(parameters: &Parameters) -> Result<Option<Duration>, Error> {
    let Some(text) = parameters.get("connect_timeout") else { return Ok(None) };
    let seconds: i64 =
        text.trim().parse().map_err(|_| invalid("connect_timeout", "a number of seconds expected"))?;
    // As in libpq: zero and less wait for ever, one second is too short to be meant.
    Ok(u64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Duration::from_secs(seconds.max(2))))
}

fn keepalives_idle(parameters: &Parameters) -> Result<Option<Duration>, Error> {
    const USUAL_SECONDS: u64 = 2 * 60 * 60;
    if parameters.get("keepalives") == Some("0") {
        return Ok(None);
    }
    let seconds = match parameters.get("keepalives_idle").map(|text| text.trim().parse()) {
        None | Some(Ok(0)) => USUAL_SECONDS,
        Some(Ok(seconds)) => seconds,
        Some(Err(_)) => return Err(invalid("keepalives_idle", "a number of seconds expected")),
    };
    Ok(Some(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            home: Some(PathBuf::from("/nonexistent")),
            user: Some("me".to_owned()),
        }
    }

    fn resolve(url: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, Error> {
        let source = Source { url: url.map(str::to_owned), schema: None };
        Settings::resolve(&source, &environment(variables))
    }

    #[test]
    fn a_database_is_named_by_where_or_which_it_is() {
        let names = |url: Option<&str>, variable: &str, value: &str| {
            let variables = [(variable.to_owned(), value.to_owned())].into();
            let environment = Environment { variables, ..Environment::default() };
            Source { url: url.map(str::to_owned), schema: None }.names_a_database(&environment)
        };
        assert!(names(Some("postgres://h/d"), "X", "") && names(None, "PGHOST", "h"));
        assert!(names(None, "DATABASE_URL", "postgres://h/d") && names(None, "PGDATABASE", "d"));
        assert!(!names(None, "PGHOST", "") && !names(None, "PGUSER", "u") && !names(None, "PGPASSWORD", "p"));
    }

    #[test]
    fn nothing_given_is_the_local_server_and_the_users_own_database() {
        let settings = resolve(None, &[]).unwrap();
        assert_eq!((settings.user.as_str(), settings.dbname.as_str()), ("me", "me"));
        assert_eq!(settings.application_name, "af-tools");
        assert_eq!(settings.sslmode, SslMode::Prefer);
        assert_eq!(settings.hosts.len(), 1);
        assert_eq!(settings.hosts[0].password, None);
        assert_eq!(settings.connect_timeout, None);
    }

    #[test]
    fn the_url_goes_before_database_url_before_the_variables() {
        let variables = [
            ("DATABASE_URL", "postgres://second@two/db2"),
            ("PGHOST", "three"),
            ("PGUSER", "third"),
            ("PGPORT", "6003"),
            ("PGDATABASE", ""),
        ];
        let settings = resolve(Some("host=one"), &variables).unwrap();
        assert_eq!(settings.hosts[0].describe(), "one port 6003");
        // DATABASE_URL is passed over as a whole, the variables fill what is missing.
        assert_eq!((settings.user.as_str(), settings.dbname.as_str()), ("third", "third"));
        let settings = resolve(None, &variables).unwrap();
        assert_eq!(settings.hosts[0].describe(), "two port 6003");
        assert_eq!((settings.user.as_str(), settings.dbname.as_str()), ("second", "db2"));
        let settings = resolve(None, &variables[1..]).unwrap();
        assert_eq!(settings.hosts[0].describe(), "three port 6003");
    }

    #[test]
    fn a_service_goes_before_the_variables_and_after_the_url() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "[s]\nhost=service\nuser=service\n").unwrap();
        let path = file.path().to_str().unwrap();
        let variables =
            [("PGSERVICEFILE", path), ("PGHOST", "variable"), ("PGPORT", "6001"), ("PGSERVICE", "s")];
        for url in ["user=url service=s", "postgresql://url@/?service=s", "user=url"] {
            let settings = resolve(Some(url), &variables).unwrap();
            assert_eq!(settings.hosts[0].describe(), "service port 6001", "{url}");
            assert_eq!(settings.user, "url");
        }
    }

    #[test]
    fn a_schema_has_a_name_that_postgresql_keeps_whole() {
        let resolve = |schema: &str| {
            let source = Source { url: None, schema: Some(schema.to_owned()) };
            Settings::resolve(&source, &environment(&[])).map(|settings| settings.schema)
        };
        assert_eq!(resolve("a \"b").unwrap().as_deref(), Some("a \"b"));
        assert!(resolve(&"x".repeat(63)).is_ok());
        for bad in [String::new(), "$user".to_owned(), "x".repeat(64), "é".repeat(32)] {
            assert!(matches!(resolve(&bad), Err(Error::SchemaName(_))), "{bad}");
        }
    }

    #[test]
    fn several_hosts_each_with_port_and_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "a:5432:*:*:first\nb:6000:d:u:second\n").unwrap();
        let path = file.path().to_str().unwrap();
        let settings = resolve(Some("postgres://u@a,b:6000,/run/pg/d"), &[("PGPASSFILE", path)]);
        // A path must be escaped in the authority of a URL: the slash ends it.
        assert_eq!(settings.unwrap().hosts.len(), 3);
        let settings =
            resolve(Some("host=a,b,/run/pg port=,6000, user=u dbname=d"), &[("PGPASSFILE", path)]).unwrap();
        let passwords: Vec<_> =
            settings.hosts.iter().map(|host| host.password.as_ref().map(Secret::reveal)).collect();
        assert_eq!(passwords, [Some("first"), Some("second"), None]);
        assert_eq!(settings.hosts[2].address, Address::Socket(PathBuf::from("/run/pg")));
        assert!(resolve(Some("host=a,b port=1,2,3"), &[]).is_err());
        assert!(resolve(Some("host=a,b hostaddr=127.0.0.1"), &[]).is_err());
        assert!(resolve(Some("host=a port=70000"), &[]).is_err());
    }

    #[test]
    fn the_password_of_the_settings_goes_before_the_file_and_never_shows() {
        let settings = resolve(Some("postgres://u:topsecret@h/d"), &[("PGPASSWORD", "other")]).unwrap();
        assert_eq!(settings.hosts[0].password.as_ref().map(Secret::reveal), Some("topsecret"));
        assert!(!format!("{settings:?}").contains("topsecret"));
    }

    #[test]
    fn sslmode_follows_libpq() {
        let mode = |url: &str| {
            resolve(Some(url), &[]).map(|settings| (settings.sslmode, settings.root_certificates))
        };
        let file = || Some(RootCertificates::File(PathBuf::from("/r.pem")));
        assert_eq!(mode("sslmode=require").unwrap(), (SslMode::Require, None));
        assert_eq!(mode("sslmode=require sslrootcert=/r.pem").unwrap(), (SslMode::VerifyCa, file()));
        assert_eq!(mode("sslmode=prefer sslrootcert=/r.pem").unwrap(), (SslMode::Prefer, None));
        assert_eq!(mode("sslmode=verify-full sslrootcert=/r.pem").unwrap(), (SslMode::VerifyFull, file()));
        assert_eq!(
            mode("sslrootcert=system").unwrap(),
            (SslMode::VerifyFull, Some(RootCertificates::System))
        );
        for bad in
            ["sslmode=verify-full", "sslmode=verify-ca", "sslmode=on", "sslrootcert=system sslmode=require"]
        {
            assert!(mode(bad).is_err(), "{bad}");
        }
        let certificate = resolve(Some("sslcert=/c sslkey=/k"), &[]).unwrap().client_certificate;
        assert_eq!(certificate, Some((PathBuf::from("/c"), PathBuf::from("/k"))));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        for bad in ["gssencmode=require", "target_session_attrs=standby", "ssl_min_protocol_version=TLSv1.3"]
        {
            assert!(matches!(resolve(Some(bad), &[]), Err(Error::Unsupported(_))), "{bad}");
        }
        assert!(resolve(None, &[("PGREQUIREPEER", "root")]).is_err());
        assert_eq!(
            resolve(Some("connect_timeout=1"), &[]).unwrap().connect_timeout,
            Some(Duration::from_secs(2))
        );
        assert_eq!(resolve(Some("connect_timeout=0"), &[]).unwrap().connect_timeout, None);
    }
}
