//! Where and how to connect: libpq's rules, resolved once, for every command.
//!
//! A parameter comes from the connection string (`--url`, else `DATABASE_URL`), else from the service
//! it names, else from the `PG*` variables, else from a default; the password comes last from the
//! password file. There are no built-in credentials.

mod environment;
mod error;
mod libpq;
mod options;
mod parameters;
mod passfile;
mod service;
mod session;
mod settings;
mod tls;

pub use environment::Environment;
pub use error::Error;

pub use session::{Canceller, Connection};
pub(crate) use session::{begin_snapshot, select_schema};
pub use settings::{Address, Host, RootCertificates, Settings, Source, SslMode};
