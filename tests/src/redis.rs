//! A throw-away Redis server: its own temporary directory, a port of the loopback interface, gone afterwards.

use std::ffi::OsStr;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::database::free_port;

/// Kills the server when this process is gone, however it ended: then the pipe is closed. A line on it means that the
/// server is somebody else's matter by now. SIGKILL also ends a process that is stopped.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
if IFS= read -r _; then exit 0; fi
kill -KILL "$1"
rm -rf -- "$2"
"#;

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Redis {
    process: Child,
    watchdog: Child,
    directory: TempDir,
    port: u16,
}

impl Redis {
    /// Starts one with these further arguments, `--name value`.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self::start_in(directory, free_port(), arguments)
    }

    /// The same in a directory that has something, and on a certain port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_in(directory: TempDir, port: u16, arguments: &[&str]) -> Self {
        let is_tls = arguments.contains(&"--tls-port");
        let number = port.to_string();
        let mut command = Command::new(program(directory.path()));
        command.args(["--bind", "127.0.0.1", "--port", if is_tls { "0" } else { &number }]);
        command.args(["--save", "", "--logfile", "log", "--daemonize", "no"]);
        // Its port is known here first.
        command.args(arguments.iter().map(|argument| if *argument == "PORT" { &number } else { *argument }));
        command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().expect("Redis starts");
        let watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "throw-away Redis watchdog", &process.id().to_string()])
            .arg(directory.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the watchdog starts");
        let mut redis = Self { process, watchdog, directory, port };
        redis.wait_until_it_listens();
        redis
    }

    fn wait_until_it_listens(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("Redis ended with {status}: {}", log());
            }
            assert!(Instant::now() < deadline, "Redis does not listen: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, with what stands before the host: nothing, or `user:password@`.
    #[must_use]
    pub fn url(&self, credentials: &str) -> String {
        format!("redis://{credentials}127.0.0.1:{}", self.port)
    }

    /// Runs a command on it by redis-cli.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("redis-cli").args(["-e", "-p", &self.port.to_string()]).args(arguments).output();
        let output = output.expect("redis-cli runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "redis-cli {arguments:?}: {text}");
        text
    }

    /// Sends it a signal, such as SIGSTOP.
    ///
    /// # Panics
    ///
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().cast_signed());
        kill(pid, signal).expect("Redis is there");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // First the watchdog: once the process is reaped, its number may be another's.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server's program. Debian's package redis-tools has it as redis-check-rdb, which acts by the name that it is called;
/// the package redis-server, where it has its own name, would start a service.
fn program(directory: &Path) -> PathBuf {
    if let Some(path) = find("redis-server") {
        return path;
    }
    let twin = find("redis-check-rdb").expect("Redis is installed; `scripts/setup` does it");
    let path = directory.join("redis-server");
    if !path.exists() {
        symlink(twin, &path).expect("a link can be made");
    }
    path
}

fn find(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|directory| directory.join(program.as_ref())).find(|path| path.is_file())
}
