//! PostgreSQL's own client programs: found, and run against the server that a session is on.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use crate::connection::{Host, Settings};

const POLL: Duration = Duration::from_millis(20);
/// How long a program may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a program cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none, or only older ones than the server, whose catalogs they don't know.
    #[error("find {program} of PostgreSQL {server} or newer: {}", found(.older))]
    NotFound {
        /// Its name.
        program: &'static str,
        /// The server's major version.
        server: u32,
        /// Those that are too old: where, and which version.
        older: Vec<(PathBuf, u32)>,
    },
    /// It does not start.
    #[error("run {}", program.display())]
    Start {
        /// Its path.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It failed.
    #[error("run {}: {message}", program.display())]
    Failed {
        /// Its path.
        program: PathBuf,
        /// What it wrote to standard error, or its exit status.
        message: String,
    },
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { server, .. } => Some(format!(
                "Install PostgreSQL's client programs (postgresql-client-{server} in Debian), or set PG_CONFIG to the pg_config beside them."
            )),
            Self::Start { .. } | Self::Failed { .. } => None,
        }
    }
}

fn found(older: &[(PathBuf, u32)]) -> String {
    if older.is_empty() {
        return "there is none".to_owned();
    }
    let older: Vec<String> =
        older.iter().map(|(path, major)| format!("{} is of {major}", path.display())).collect();
    older.join(", ")
}

/// The program (`pg_dump`, …) that fits a server of this major version best: of the same one, else of the next newer. It is
/// searched where `PG_CONFIG` leads, where installers put PostgreSQL, and on PATH, where Debian has a script that looks for the
/// real one each time.
pub fn find(program: &'static str, server: u32) -> Result<PathBuf, Error> {
    let mut others = Vec::new();
    for directory in directories() {
        let path = directory.join(format!("{program}{EXE_SUFFIX}"));
        match path.is_file().then(|| version(&path)).flatten() {
            Some(major) if major == server => return Ok(path),
            Some(major) => others.push((path, major)),
            None => {}
        }
    }
    let (newer, older): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, major)| *major > server);
    // The first of several.
    let best = newer.into_iter().min_by_key(|(_, major)| *major);
    best.map(|(path, _)| path).ok_or(Error::NotFound { program, server, older })
}

/// The command that runs a program on the server at `host`, with the rest of the session's settings. They go by the
/// environment: everybody can read a process's arguments.
pub fn command(program: &Path, settings: &Settings, host: &Host) -> Command {
    let mut command = offline(program);
    command.envs(settings.libpq_variables(host));
    command
}

/// The command that runs a program on no server.
pub(crate) fn offline(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end. Returns what it wrote to standard output.
pub fn output(mut command: Command) -> Result<Vec<u8>, Error> {
    let program = PathBuf::from(command.get_program());
    let output = match command.output() {
        Ok(output) => output,
        Err(source) => return Err(Error::Start { program, source }),
    };
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(failed(program, output.status, &output.stderr))
    }
}

fn failed(program: PathBuf, status: ExitStatus, stderr: &[u8]) -> Error {
    let said = String::from_utf8_lossy(stderr).trim().to_owned();
    let message = match said.as_str() {
        "" => status.to_string(),
        // One that was killed did not say so.
        said if status.code().is_none() => format!("{status}: {said}"),
        said => said.to_owned(),
    };
    Error::Failed { program, message }
}

/// A program at work. It is ended when this is dropped.
pub(crate) struct Running {
    program: PathBuf,
    child: Child,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Starts it, and keeps what it writes to standard error.
    pub(crate) fn start(mut command: Command) -> Result<Self, Error> {
        let program = PathBuf::from(command.get_program());
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|source| Error::Start { program: program.clone(), source })?;
        let stderr = child.stderr.take().map(|mut pipe| {
            thread::spawn(move || {
                let mut said = Vec::new();
                // What was said until then is what there is to tell.
                let _ = pipe.read_to_end(&mut said);
                said
            })
        });
        Ok(Self { program, child, stderr })
    }

    /// Starts it, and gives what it writes to standard output.
    pub(crate) fn start_piped(mut command: Command) -> Result<(Self, ChildStdout), Error> {
        command.stdout(Stdio::piped());
        let mut running = Self::start(command)?;
        match running.child.stdout.take() {
            Some(stdout) => Ok((running, stdout)),
            None => {
                let source = io::Error::other("its output is no pipe");
                Err(Error::Start { program: running.program.clone(), source })
            }
        }
    }

    /// Waits until it ends, and asks again and again whether it should be ended. Returns whether it came to its own end,
    /// and a good one.
    pub(crate) fn wait(mut self, is_unwanted: &mut dyn FnMut() -> bool) -> Result<bool, Error> {
        loop {
            let status = self.child.try_wait();
            let status = status.map_err(|source| Error::Start { program: self.program.clone(), source })?;
            if let Some(status) = status {
                let stderr = self.stderr.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
                return if status.success() {
                    Ok(true)
                } else {
                    Err(failed(self.program.clone(), status, &stderr))
                };
            }
            if is_unwanted() {
                return Ok(false);
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        ask_to_end(&mut self.child);
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                // It ends by itself or not at all: nothing more can be done.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(POLL);
        }
    }
}

/// pg_dump and pg_restore have their workers and the server's sessions end too, if they are asked.
#[cfg(unix)]
fn ask_to_end(child: &mut Child) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    if let Ok(pid) = i32::try_from(child.id()) {
        // It may just have ended.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

/// Here there is nothing gentler.
#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) {
    // It may just have ended.
    let _ = child.kill();
}

/// The schema as pg_dump tells it, without what differs from run to run and from version to version: its comments, the
/// random key of `\restrict`, and the settings at its beginning. pg_restore also counts it as schema that materialized views are
/// filled, and pg_dump does not.
pub(crate) fn normalised_schema(dump: &str) -> String {
    let is_varying = |line: &&str| {
        let line = line.trim_end();
        line == "--"
            || [
                "-- Dumped ",
                "-- Name: ",
                "-- PostgreSQL database dump",
                "\\restrict ",
                "\\unrestrict ",
                "SET ",
                "REFRESH MATERIALIZED VIEW ",
            ]
            .iter()
            .any(|beginning| line.starts_with(beginning))
            || line == "SELECT pg_catalog.set_config('search_path', '', false);"
    };
    let mut text = String::with_capacity(dump.len());
    for line in dump.lines().filter(|line| !is_varying(line)) {
        let is_repeated_gap = line.is_empty() && (text.is_empty() || text.ends_with("\n\n"));
        if !is_repeated_gap {
            text.push_str(line);
            text.push('\n');
        }
    }
    format!("{}\n", text.trim_end())
}

/// Where the programs may be, in the order in which they are preferred.
fn directories() -> impl Iterator<Item = PathBuf> {
    let configured = env::var_os("PG_CONFIG").and_then(|pg_config| bin_dir_of(&pg_config));
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = env::split_paths(&path).collect();
    let installed = [
        Some(PathBuf::from("/usr/lib/postgresql")),
        env::var_os("ProgramFiles").map(|files| Path::new(&files).join("PostgreSQL")),
    ];
    let installed = installed.into_iter().flatten().flat_map(|root| {
        let versions = fs::read_dir(root).into_iter().flatten().flatten();
        versions.map(|version| version.path().join("bin"))
    });
    configured.into_iter().chain(installed).chain(path)
}

/// Where the programs are that come with a `pg_config`.
pub(crate) fn bin_dir_of(pg_config: &OsStr) -> Option<PathBuf> {
    let output = Command::new(pg_config).arg("--bindir").stderr(Stdio::null()).output().ok()?;
    let path = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(PathBuf::from(path.trim_end()))
}

/// The major version that a program says it has.
pub(crate) fn version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// The number in `pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
fn major(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let end = number.find(|char: char| !char.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        for (text, expected) in [
            ("pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n", Some(15)),
            ("pg_dump (PostgreSQL) 18beta1\n", Some(18)),
            ("pg_dump (PostgreSQL) 9.6.24\n", Some(9)),
            ("something else", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn says_what_is_there_instead() {
        let error = Error::NotFound {
            program: "pg_dump",
            server: 18,
            older: vec![(PathBuf::from("/x/pg_dump"), 15)],
        };
        assert_eq!(error.to_string(), "find pg_dump of PostgreSQL 18 or newer: /x/pg_dump is of 15");
    }

    #[test]
    fn a_failure_is_what_the_program_says() {
        let error = output(Command::new("/nonexistent/program")).unwrap_err();
        assert!(matches!(error, Error::Start { .. }));
    }
}
