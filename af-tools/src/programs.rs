//! PostgreSQL's own client programs: found, and run against the server that a session is on.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use crate::connection::{Host, Settings};

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
/// searched where `PG_CONFIG` leads, on PATH, and where installers put PostgreSQL.
pub fn find(program: &'static str, server: u32) -> Result<PathBuf, Error> {
    let (fitting, older): (Vec<_>, Vec<_>) = directories()
        .map(|directory| directory.join(format!("{program}{EXE_SUFFIX}")))
        .filter(|path| path.is_file())
        .filter_map(|path| version(&path).map(|major| (path, major)))
        .partition(|(_, major)| *major >= server);
    // The first of several.
    let best = fitting.into_iter().min_by_key(|(_, major)| *major);
    best.map(|(path, _)| path).ok_or(Error::NotFound { program, server, older })
}

/// The command that runs a program on the server at `host`, with the rest of the session's settings. They go by the
/// environment: everybody can read a process's arguments.
pub fn command(program: &Path, settings: &Settings, host: &Host) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.envs(settings.libpq_variables(host)).stdin(Stdio::null());
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
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let message = if said.is_empty() { output.status.to_string() } else { said };
    Err(Error::Failed { program, message })
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
    configured.into_iter().chain(path).chain(installed)
}

/// Where the programs are that come with a `pg_config`.
pub(crate) fn bin_dir_of(pg_config: &OsStr) -> Option<PathBuf> {
    let output = Command::new(pg_config).arg("--bindir").stderr(Stdio::null()).output().ok()?;
    let path = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(PathBuf::from(path.trim_end()))
}

/// The major version that a program says it has.
fn version(program: &Path) -> Option<u32> {
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
