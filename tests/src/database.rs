//! The server that the tests of one binary share, and a fresh database for each test.

use std::net::TcpListener;
use std::process::Output;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use af_tools::connection::{Environment, Settings, Source};
use af_tools::migrate::{self, History, Migrations, UpOptions};
use af_tools::throwaway::{Options, Server};
use postgres::{Client, NoTls};

/// The migration that makes the ledger: all that most tests need.
pub const LEDGER: &str = include_str!("../../sql/migrations/0001_tenants_and_audits.up.sql");

/// The database that the others are copies of.
const TEMPLATE: &str = "ledger_template";

/// The database that those with all migrations are copies of.
const MIGRATED_TEMPLATE: &str = "migrated_template";

static SERVER: OnceLock<Server> = OnceLock::new();
static MIGRATED: OnceLock<()> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The server of this test binary, started by whoever asks first. A `static` is not dropped: its watchdog stops
/// it when the tests are over.
///
/// # Panics
///
/// When no server can be started, or the extension is not installed on it.
pub fn server() -> &'static Server {
    SERVER.get_or_init(|| {
        let server = Server::start(&options()).expect("a throw-away server starts");
        server.create_database(TEMPLATE).expect("a database can be created");
        create_ledger(&mut connect(&server.url(TEMPLATE)));
        server
    })
}

/// Settings for many sessions, prepared transactions, and deadlocks that are found soon.
#[must_use]
pub fn options() -> Options {
    let settings =
        [("max_connections", "200"), ("max_prepared_transactions", "50"), ("deadlock_timeout", "100ms")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Options { settings, ..Options::default() }
}

/// A TCP port of the loopback interface on which nobody listens right now.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a listener has an address").port()
}

/// Creates extension, tables and triggers by the migration.
///
/// # Panics
///
/// When the extension is not installed.
pub fn create_ledger(client: &mut Client) {
    client.batch_execute(LEDGER).expect("the ledger can be created; `make install` installs the extension");
}

/// Applies all migrations.
///
/// # Panics
///
/// When that fails.
pub fn migrate(url: &str) {
    let migrations = Migrations::read(&migrate::Source::Embedded).expect("the migrations can be read");
    let mut history = History::open_or_begin(&settings(url)).expect("the server accepts");
    migrate::up(&mut history, &migrations, &UpOptions::default(), &mut ())
        .expect("the migrations can be applied");
}

/// What leads `af-tools` to the database at a URL.
///
/// # Panics
///
/// When the URL is no complete one.
#[must_use]
pub fn settings(url: &str) -> Settings {
    let source = Source { url: Some(url.to_owned()), schema: None };
    Settings::resolve(&source, &Environment::default()).expect("the URL is complete")
}

/// Connects, or fails the test.
///
/// # Panics
///
/// When there is no connection to be had.
#[must_use]
pub fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap_or_else(|error| panic!("connect to {url}: {error:?}"))
}

/// A database with an empty ledger, dropped when the test is over.
#[derive(Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// A fresh one, with the ledger.
    ///
    /// # Panics
    ///
    /// When it cannot be created.
    #[must_use]
    pub fn new() -> Self {
        Self::create(TEMPLATE)
    }

    /// A fresh one, with all migrations applied.
    ///
    /// # Panics
    ///
    /// When it cannot be created.
    #[must_use]
    pub fn migrated() -> Self {
        MIGRATED.get_or_init(|| {
            server().create_database(MIGRATED_TEMPLATE).expect("a database can be created");
            migrate(&server().url(MIGRATED_TEMPLATE));
        });
        Self::create(MIGRATED_TEMPLATE)
    }

    /// A fresh one, without the extension.
    ///
    /// # Panics
    ///
    /// When it cannot be created.
    #[must_use]
    pub fn empty() -> Self {
        Self::create("template0")
    }

    /// A copy of another one, to which nobody is connected.
    ///
    /// # Panics
    ///
    /// When it cannot be copied.
    #[must_use]
    pub fn clone_of(name: &str) -> Self {
        Self::create(name)
    }

    fn create(template: &str) -> Self {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        connect(&server().url("postgres"))
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .expect("a database can be created");
        Self { name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, as superuser.
    #[must_use]
    pub fn url(&self) -> String {
        server().url(&self.name)
    }

    /// A session, as superuser.
    #[must_use]
    pub fn connect(&self) -> Client {
        connect(&self.url())
    }

    /// Its URL, as some role.
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        server().url_as(role, &self.name)
    }

    /// A session of some role.
    #[must_use]
    pub fn connect_as(&self, role: &str) -> Client {
        connect(&self.url_as(role))
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The server goes in the end anyway; this keeps the disk small meanwhile.
        if let Ok(mut client) = Client::connect(&server().url("postgres"), NoTls) {
            let _ = client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// What `pg_dump` leaves of the database at a URL.
///
/// # Panics
///
/// When it cannot be run.
#[must_use]
pub fn pg_dump(url: &str, arguments: &[&str]) -> Output {
    server().command("pg_dump").arg(url).args(arguments).output().expect("pg_dump starts")
}

/// All that the catalog says of the database at a URL, but for sqlx's own table and the lines that differ in each dump.
///
/// # Panics
///
/// When it cannot be dumped.
#[must_use]
pub fn dumped_schema(url: &str) -> String {
    let output = pg_dump(url, &["--schema-only", "--exclude-table=*._sqlx_migrations"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("a database in UTF-8");
    let lines =
        text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The process of a session.
///
/// # Panics
///
/// When the session is gone.
pub fn backend_pid(client: &mut Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).expect("the session lives").get(0)
}

/// Waits until a query counts so many.
///
/// # Panics
///
/// When it does not within half a minute.
pub fn wait_for_count(client: &mut Client, sql: &str, count: i64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while client.query_one(sql, &[]).expect("can be asked").get::<_, i64>(0) != count {
        assert!(Instant::now() < deadline, "{sql}: not {count}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a session waits for a lock, so that a test knows it came that far.
///
/// # Panics
///
/// When it does not within ten seconds.
pub fn wait_until_blocked(observer: &mut Client, pid: i32) {
    let blocked = "SELECT cardinality(pg_blocking_pids($1)) > 0";
    let deadline = Instant::now() + Duration::from_secs(10);
    while !observer.query_one(blocked, &[&pid]).expect("can be asked").get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "session {pid} was expected to wait for a lock");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The SQLSTATE of a failure; a success fails the test.
///
/// # Panics
///
/// When it succeeded, or failed without the server (a lost connection has no SQLSTATE).
pub fn sqlstate<T>(result: Result<T, postgres::Error>) -> String {
    match result {
        Ok(_) => panic!("was expected to fail"),
        Err(error) => match error.code() {
            Some(code) => code.code().to_owned(),
            None => panic!("failed without an SQLSTATE: {error:?}"),
        },
    }
}
