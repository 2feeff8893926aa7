//! A throw-away PostgreSQL server: its own temporary directory, a Unix socket and no network, gone afterwards.
//!
//! The demonstration, the cross-component tests and the benchmarks run on it, so that none of them touches
//! a server that somebody uses. PostgreSQL refuses to run as root: started by root, everything here runs as
//! the user `postgres`, or `nobody` where there is no such user.
//!
//! # When the starting process dies
//!
//! [`Server`] stops PostgreSQL and removes the directory when it is dropped. Drop does not run when a process
//! is killed, calls [`std::process::exit`] or holds the server in a `static`. So each server has a watchdog: a
//! small shell that waits on a pipe from this process. However the process ends, the kernel closes the pipe, and
//! the watchdog stops the server and removes the directory. Only where the watchdog is killed as well
//! (`SIGKILL` to both, power loss) does anything stay behind.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use postgres::NoTls;

mod error;
mod installation;
mod process;

use error::io_error;
use installation::{Owner, parent_directory, server_user};
use process::{children_of, is_alive, pid_of, run, send};

pub use error::Error;
pub use installation::find_bin_dir;

/// The port of a server that does not say otherwise. Without TCP it is but a part of the socket's name, and each
/// server has a directory to itself, so it need not differ.
const PORT: u16 = 5432;
const SUPERUSER: &str = "postgres";
const POLL: Duration = Duration::from_millis(20);
const FAST_SHUTDOWN: Duration = Duration::from_secs(20);
const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(10);
const LOG_TAIL_BYTES: u64 = 4096;

/// `$1` is the directory of PostgreSQL's programs, `$2` the server's directory. The word `keep` on standard
/// input leaves both alone; end of file, which also comes when the parent dies, cleans up. `pg_ctl` checks that
/// the process in the pid file still is the server.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
if IFS= read -r word && [ "$word" = keep ]; then exit 0; fi
"$1/pg_ctl" stop --silent --pgdata="$2/data" --mode=immediate >/dev/null 2>&1
rm -rf -- "$2"
"#;

/// How a throw-away server is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where PostgreSQL's programs are; when `None`, they are searched as in [`find_bin_dir`].
    pub bin_dir: Option<PathBuf>,
    /// The port in the socket's name; also that of TCP, where `listen_addresses` is among the settings.
    pub port: u16,
    /// Lines for postgresql.conf, as name and value.
    pub settings: Vec<(String, String)>,
    /// Whether what was committed must survive a crash. Off by default: much faster, and enough for a server
    /// that lives for minutes.
    pub durable: bool,
    /// Further arguments for initdb.
    pub initdb_args: Vec<String>,
    /// How long the server may take until it accepts connections, crash recovery included.
    pub startup_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bin_dir: None,
            port: PORT,
            settings: Vec::new(),
            durable: false,
            initdb_args: Vec::new(),
            startup_timeout: Duration::from_secs(60),
        }
    }
}

/// A running throw-away server; stopped and removed when dropped.
#[derive(Debug)]
pub struct Server {
    bin_dir: PathBuf,
    directory: PathBuf,
    port: u16,
    owner: Option<Owner>,
    startup_timeout: Duration,
    postmaster: Option<Child>,
    watchdog: Option<Child>,
}

/// A server that goes on after the process that started it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where everything of the server is: its socket, its data and its log.
    pub directory: PathBuf,
    /// A shell command that stops the server and removes the directory.
    pub stop_command: String,
}

impl Server {
    /// Creates a cluster in a new temporary directory and starts it.
    ///
    /// # Errors
    ///
    /// When no PostgreSQL is installed, or it cannot be set up or started; then nothing is left behind.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let mut server = Self::prepare(options)?;
        let mut initdb = server.command("initdb");
        initdb.arg("--pgdata").arg(server.data_dir());
        initdb.args(["--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--no-sync", "--no-instructions"]).args(&options.initdb_args);
        run(&mut initdb)?;
        server.configure(options)?;
        server.launch()?;
        Ok(server)
    }

    /// Starts a streaming hot standby of this server, copied with `pg_basebackup`. It follows for as long as
    /// both run; its settings are this server's, and then those of `options`.
    ///
    /// # Errors
    ///
    /// When the copy cannot be made or started.
    pub fn standby(&self, options: &Options) -> Result<Self, Error> {
        let mut standby = Self::prepare(options)?;
        let mut basebackup = self.command("pg_basebackup");
        basebackup.current_dir(&standby.directory).arg("--pgdata").arg(standby.data_dir());
        basebackup.args(["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync"]);
        run(&mut basebackup)?;
        standby.configure(options)?;
        standby.launch()?;
        Ok(standby)
    }

    /// Makes the directory and starts the watchdog over it.
    fn prepare(options: &Options) -> Result<Self, Error> {
        let bin_dir = match &options.bin_dir {
            Some(directory) => directory.clone(),
            None => find_bin_dir()?,
        };
        let owner = if geteuid().is_root() { Some(server_user()?) } else { None };
        let parent = parent_directory(owner.is_some());
        // The mode is 0700: inside such a directory, a socket that trusts everybody trusts one user (and root).
        let directory = tempfile::Builder::new()
            .prefix("pg_af-")
            .tempdir_in(&parent)
            .map_err(|source| io_error(format!("create a directory in {}", parent.display()), source))?;
        if let Some(owner) = &owner {
            chown(directory.path(), Some(owner.uid), Some(owner.gid)).map_err(|source| {
                io_error(format!("give {} to {}", directory.path().display(), owner.name), source)
            })?;
        }
        let mut server = Self {
            bin_dir,
            directory: directory.path().to_owned(),
            port: options.port,
            owner,
            startup_timeout: options.startup_timeout,
            postmaster: None,
            watchdog: None,
        };
        let mut watchdog = server.as_owner(OsStr::new("/bin/sh"));
        watchdog.args(["-c", WATCHDOG, "throw-away PostgreSQL watchdog"]);
        watchdog.arg(&server.bin_dir).arg(&server.directory);
        // The directory is about to be removed, and somebody's pipe must not be held open by a watchdog.
        watchdog.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = watchdog.spawn().map_err(|source| io_error("start the watchdog", source))?;
        server.watchdog = Some(watchdog);
        // From here on the watchdog is who removes it.
        let _ = directory.keep();
        Ok(server)
    }

    /// Adds the settings to postgresql.conf, where the last line about a name counts.
    fn configure(&self, options: &Options) -> Result<(), Error> {
        let mut settings = vec![
            ("listen_addresses", String::new()),
            ("port", self.port.to_string()),
            ("unix_socket_directories", self.directory.display().to_string()),
            ("unix_socket_permissions", "0700".to_owned()),
        ];
        if !options.durable {
            settings.push(("fsync", "off".to_owned()));
            settings.push(("full_page_writes", "off".to_owned()));
        }
        settings.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let text = settings
            .iter()
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect::<String>();
        let path = self.data_dir().join("postgresql.conf");
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(format!("\n{text}").as_bytes()))
            .map_err(|source| io_error(format!("write {}", path.display()), source))
    }

    /// Starts the postmaster and waits until it accepts connections.
    fn launch(&mut self) -> Result<(), Error> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .map_err(|source| io_error(format!("open {}", self.log_file().display()), source))?;
        let log_again = log.try_clone().map_err(|source| io_error("share the log", source))?;
        let mut postgres = self.server_command("postgres");
        postgres.arg("-D").arg(self.data_dir()).stdin(Stdio::null()).stdout(log).stderr(log_again);
        let child = postgres.spawn().map_err(|source| io_error("start postgres", source))?;
        let postmaster = self.postmaster.insert(child);

        let deadline = Instant::now() + self.startup_timeout;
        loop {
            if let Some(status) =
                postmaster.try_wait().map_err(|source| io_error("wait for postgres", source))?
            {
                self.postmaster = None;
                return Err(Error::Ended { status, log: self.log_tail() });
            }
            if connect(&self.directory, self.port, "postgres").is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let log = self.log_tail();
                return Err(Error::NotReady { seconds: self.startup_timeout.as_secs(), log });
            }
            thread::sleep(POLL);
        }
    }

    /// The directory of the Unix socket: what libpq calls the host.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.directory
    }

    /// The port, which on a Unix socket is but a part of the socket's name.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The cluster's superuser.
    #[must_use]
    pub fn superuser(&self) -> &str {
        SUPERUSER
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The server's log.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// The connection URL of a database, as superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, database)
    }

    /// The connection URL of a database, as some role. Everything but the database is a parameter, a form that
    /// libpq, sqlx and rust-postgres all read.
    #[must_use]
    pub fn url_as(&self, role: &str, database: &str) -> String {
        let host = percent_encode(&self.directory.display().to_string());
        let (role, database) = (percent_encode(role), percent_encode(database));
        format!("postgresql:///{database}?host={host}&port={}&user={role}", self.port)
    }

    /// The process id of the postmaster, while it runs.
    #[must_use]
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.postmaster.as_ref().map(Child::id)
    }

    /// Creates an empty database.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        let doing = || format!("create database {name}");
        let mut client = connect(&self.directory, self.port, "postgres")
            .map_err(|source| Error::Sql { doing: doing(), source })?;
        client
            .batch_execute(&format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\"")))
            .map_err(|source| Error::Sql { doing: doing(), source })
    }

    /// One of PostgreSQL's programs, set up to run as the server's user and to connect to this server.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.server_command(program);
        command.env("PGHOST", &self.directory).env("PGPORT", self.port.to_string()).env("PGUSER", SUPERUSER);
        command
    }

    /// One of PostgreSQL's programs, run as the server's user in an environment without PostgreSQL's variables
    /// (PGDATA and the like would lead it elsewhere) and without backtraces (with `RUST_BACKTRACE` set, each
    /// error message of the extension would carry one).
    fn server_command(&self, program: &str) -> Command {
        let mut command = self.as_owner(self.bin_dir.join(program).as_os_str());
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
        command
    }

    /// A command of the server's user, in its directory, and in a process group of its own: an interrupt from the
    /// keyboard is for us, not for the server.
    fn as_owner(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.directory).process_group(0);
        if let Some(owner) = &self.owner {
            command.uid(owner.uid).gid(owner.gid);
        }
        command
    }

    /// Stops the server and keeps its directory; [`Server::restart`] starts it again.
    ///
    /// # Errors
    ///
    /// When it cannot be signalled.
    pub fn stop(&mut self) -> Result<(), Error> {
        let Some(mut postmaster) = self.postmaster.take() else { return Ok(()) };
        let steps = [
            (Signal::SIGINT, FAST_SHUTDOWN),
            (Signal::SIGQUIT, IMMEDIATE_SHUTDOWN),
            (Signal::SIGKILL, IMMEDIATE_SHUTDOWN),
        ];
        for (signal, patience) in steps {
            send(pid_of(&postmaster), signal)?;
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                match postmaster.try_wait() {
                    Ok(Some(_)) => return Ok(()),
                    Ok(None) => thread::sleep(POLL),
                    Err(source) => return Err(io_error("wait for postgres", source)),
                }
            }
        }
        Err(Error::NotGone(vec![pid_of(&postmaster).as_raw()]))
    }

    /// Starts the server again, stopping it first if it runs; after [`Server::kill`] this is crash recovery.
    ///
    /// # Errors
    ///
    /// When it does not stop, or does not start.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.stop()?;
        self.launch()
    }

    /// Crashes the server: `SIGKILL` to the postmaster and to all its children. The postmaster is frozen first, so
    /// that it neither starts another child nor tidies up after one; all are gone when this returns.
    ///
    /// # Errors
    ///
    /// When the processes cannot be signalled or do not go.
    pub fn kill(&mut self) -> Result<(), Error> {
        let Some(mut postmaster) = self.postmaster.take() else { return Ok(()) };
        let pid = pid_of(&postmaster);
        send(pid, Signal::SIGSTOP)?;
        let children = children_of(pid)?;
        for child in &children {
            send(*child, Signal::SIGKILL)?;
        }
        send(pid, Signal::SIGKILL)?;
        postmaster.wait().map_err(|source| io_error("wait for postgres", source))?;
        // A child that is still going down holds the shared memory, which would keep the server from starting.
        let deadline = Instant::now() + IMMEDIATE_SHUTDOWN;
        loop {
            let left = children.iter().filter(|child| is_alive(**child)).map(|child| child.as_raw());
            let left = left.collect::<Vec<_>>();
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::NotGone(left));
            }
            thread::sleep(POLL);
        }
    }

    /// Leaves the server running after this process.
    ///
    /// # Errors
    ///
    /// When the watchdog cannot be told.
    pub fn keep(mut self) -> Result<Kept, Error> {
        if let Some(mut watchdog) = self.watchdog.take() {
            let told = watchdog.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(b"keep\n"));
            told.and_then(|()| watchdog.wait()).map_err(|source| io_error("end the watchdog", source))?;
        }
        self.postmaster = None;
        let pg_ctl = shell_quote(&self.bin_dir.join("pg_ctl"));
        let (directory, data) = (shell_quote(&self.directory), shell_quote(&self.data_dir()));
        let become_owner =
            self.owner.as_ref().map_or(String::new(), |owner| format!("runuser -u {} -- ", owner.name));
        let stop_command = format!("{become_owner}{pg_ctl} stop -D {data} && rm -rf {directory}");
        Ok(Kept { directory: self.directory.clone(), stop_command })
    }

    /// The end of the server's log, for error messages.
    fn log_tail(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut log) = File::open(self.log_file()) {
            let length = log.metadata().map_or(0, |metadata| metadata.len());
            let _ = log.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)));
            let _ = log.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to hear of an error here; the watchdog does whatever stopping remains.
        let _ = self.stop();
        if let Some(mut watchdog) = self.watchdog.take() {
            drop(watchdog.stdin.take());
            let _ = watchdog.wait();
        }
    }
}

fn connect(directory: &Path, port: u16, database: &str) -> Result<postgres::Client, postgres::Error> {
    postgres::Config::new()
        .host_path(directory)
        .port(port)
        .user(SUPERUSER)
        .dbname(database)
        .connect_timeout(Duration::from_secs(5))
        .connect(NoTls)
}

fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn shell_quote(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::unistd::Pid;

    use super::*;

    fn select_one(server: &Server) -> i32 {
        connect(server.socket_dir(), server.port(), "postgres")
            .unwrap()
            .query_one("SELECT 1", &[])
            .unwrap()
            .get(0)
    }

    #[test]
    fn starts_crashes_recovers_and_leaves_nothing_behind() {
        let mut server = Server::start(&Options::default()).unwrap();
        assert_eq!(select_one(&server), 1);
        server.create_database("a \"b\" c").unwrap();
        let mut client = postgres::Client::connect(&server.url("a \"b\" c"), NoTls).unwrap();
        let name: String = client.query_one("SELECT current_database()::text", &[]).unwrap().get(0);
        assert_eq!(name, "a \"b\" c");

        let first = server.postmaster_pid().unwrap();
        server.kill().unwrap();
        assert_eq!(server.postmaster_pid(), None);
        assert!(client.simple_query("SELECT 1").is_err());
        server.restart().unwrap();
        assert_ne!(server.postmaster_pid().unwrap(), first);
        assert_eq!(select_one(&server), 1);
        let log = fs::read_to_string(server.log_file()).unwrap();
        assert!(log.contains("automatic recovery in progress"), "{log}");

        let (pid, directory) = (server.postmaster_pid().unwrap(), server.socket_dir().to_owned());
        drop(server);
        assert!(!is_alive(Pid::from_raw(pid.cast_signed())));
        assert!(!directory.exists());
    }

    #[test]
    fn the_watchdog_cleans_up_when_the_owner_is_gone() {
        let mut server = Server::start(&Options::default()).unwrap();
        let (pid, directory) = (server.postmaster_pid().unwrap(), server.socket_dir().to_owned());
        // As when this process is killed: the pipe closes, and nobody stops the server.
        let mut watchdog = server.watchdog.take().unwrap();
        drop(watchdog.stdin.take());
        watchdog.wait().unwrap();
        assert!(!directory.exists());
        server.postmaster.take().unwrap().wait().unwrap();
        assert!(!is_alive(Pid::from_raw(pid.cast_signed())));
    }

    #[test]
    fn a_kept_server_runs_until_its_command_stops_it() {
        let server = Server::start(&Options::default()).unwrap();
        let pid = server.postmaster_pid().unwrap();
        let url = server.url("postgres");
        let kept = server.keep().unwrap();
        assert!(postgres::Client::connect(&url, NoTls).is_ok());
        let output = Command::new("sh").args(["-c", &kept.stop_command]).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", kept.stop_command);
        assert!(!kept.directory.exists());
        assert!(!is_alive(Pid::from_raw(pid.cast_signed())));
    }

    #[test]
    fn a_server_that_cannot_start_says_why() {
        let settings = vec![("shared_buffers".to_owned(), "nonsense".to_owned())];
        let error = Server::start(&Options { settings, ..Options::default() }).unwrap_err();
        assert!(matches!(error, Error::Ended { .. }), "{error}");
        assert!(error.to_string().contains("shared_buffers"), "{error}");
    }

    #[test]
    fn names_are_encoded_for_urls_and_shells() {
        assert_eq!(percent_encode("/tmp/a b?&ü"), "%2Ftmp%2Fa%20b%3F%26%C3%BC");
        assert_eq!(shell_quote(Path::new("/tmp/pg_af-1.x")), "/tmp/pg_af-1.x");
        assert_eq!(shell_quote(Path::new("/tmp/it's")), r"'/tmp/it'\''s'");
    }
}
