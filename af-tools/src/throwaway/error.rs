//! What can go wrong with a throw-away server.

use std::io;
use std::process::ExitStatus;

/// What can go wrong with a throw-away server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL server is installed where this looks.
    #[error("no PostgreSQL server found: {0}")]
    NotInstalled(String),
    /// Started as root, and there is no user to run the server as.
    #[error("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")]
    NoUser,
    /// A file or process operation failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program}: {status}\n{output}")]
    Program {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },
    /// The server ended while it was starting.
    #[error("the server ended while starting ({status}); its log ends with:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The server did not accept connections in time.
    #[error("the server did not accept connections within {seconds} s; its log ends with:\n{log}")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// The end of its log.
        log: String,
    },
    /// Processes of the server were still there after being killed.
    #[error("processes {0:?} of the server did not end")]
    NotGone(Vec<i32>),
    /// A statement failed on the server.
    #[error("{doing}: {source}")]
    Sql {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: postgres::Error,
    },
}

/// For `map_err`: an operation that failed, and what it was for.
pub(super) fn io_error(doing: impl Into<String>, source: io::Error) -> Error {
    Error::Io { doing: doing.into(), source }
}
