//! Why no connection came about.

use std::io;
use std::path::PathBuf;

use crate::server::ServerError;

/// Why no connection came about. Neither URL nor password is ever part of a message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A connection string of neither form.
    #[error("read connection string: {0}")]
    Malformed(&'static str),
    /// A parameter that PostgreSQL's clients don't know either.
    #[error("read connection settings: unknown parameter \"{0}\"")]
    UnknownParameter(String),
    /// A parameter that cannot be honoured, and must not be ignored.
    #[error("read connection settings: {0} is not supported")]
    Unsupported(String),
    /// A value that does not fit its parameter.
    #[error("read connection settings: {keyword}: {reason}")]
    InvalidValue {
        /// The parameter.
        keyword: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// The service file has no such service, or is malformed.
    #[error("read service \"{service}\": {reason}")]
    Service {
        /// The service that was asked for.
        service: String,
        /// What is wrong.
        reason: String,
    },
    /// A file that the settings name.
    #[error("read {}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// Certificates or keys that cannot be used.
    #[error("set up TLS: {0}")]
    Tls(String),
    /// Every host refused; this is what the last one said.
    #[error("connect to {target}")]
    Connect {
        /// Host and port.
        target: String,
        /// What it said.
        source: ServerError,
    },
    /// `--schema` gives what cannot be the name of a schema.
    #[error("select schema: the name {0}")]
    SchemaName(String),
    /// The schema given by `--schema` is not there.
    #[error("select schema \"{0}\": it does not exist in this database")]
    NoSuchSchema(String),
    /// Setting up the session failed.
    #[error("set up the session")]
    Session(#[source] ServerError),
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Malformed(_) => {
                "Use postgresql://user@host:port/database or \"host=… dbname=…\", as for psql."
            }
            Self::UnknownParameter(_) | Self::Unsupported(_) | Self::InvalidValue { .. } => {
                "The parameters are libpq's: https://www.postgresql.org/docs/current/libpq-connect.html"
            }
            Self::Service { .. } => {
                "Services are looked up in PGSERVICEFILE or ~/.pg_service.conf, then in PGSYSCONFDIR/pg_service.conf."
            }
            Self::File { .. } | Self::Tls(_) => "Check the path, its permissions and its format (PEM).",
            Self::Connect { source, .. } => match source.hint() {
                Some(hint) => return Some(hint),
                None if source.code().is_some() => {
                    "Check user and database in --url, DATABASE_URL or the PG* variables."
                }
                None => "Check that the server runs there, and --url, DATABASE_URL or the PG* variables.",
            },
            Self::SchemaName(_) => return None,
            Self::NoSuchSchema(_) => "`af-tools --schema NAME migrate up` creates schema and tables.",
            Self::Session(source) => return source.hint(),
        };
        Some(hint.to_owned())
    }
}
