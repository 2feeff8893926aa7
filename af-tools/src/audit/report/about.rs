//! Which server was asked, and what the ledger was held against.

use postgres::Transaction;
use serde::Serialize;

use crate::checkpoint::Held;
use crate::server::ServerError;

/// The server, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its version.
    pub version: String,
    /// The database.
    pub database: String,
    /// The role that looked.
    pub role: String,
    /// The version of the extension, if it is there.
    pub extension: Option<String>,
    /// Whether it is a standby.
    pub is_standby: bool,
}

impl Server {
    pub(super) fn of(transaction: &mut Transaction<'_>) -> Result<Self, ServerError> {
        const ASK: &str = "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_database()::text, \
             current_user::text, (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_af'), \
             pg_catalog.pg_is_in_recovery()";
        let row = transaction.query_one(ASK, &[])?;
        Ok(Self {
            version: row.get(0),
            database: row.get(1),
            role: row.get(2),
            extension: row.get(3),
            is_standby: row.get(4),
        })
    }
}

/// What the ledger was held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witnessed {
    /// SHA-256 of each public key, in hexadecimal.
    pub keys: Vec<String>,
    /// The checkpoints.
    pub checkpoints: Vec<Checkpoint>,
}

/// A checkpoint whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// Of which chain.
    pub origin: String,
    /// How many entries it is of.
    pub size: u64,
    /// The root over them, in hexadecimal.
    pub root: String,
    /// Where it was read.
    pub source: String,
}

impl Witnessed {
    pub(super) fn of(held: &[Held], keys: Vec<String>) -> Self {
        let checkpoint = |held: &Held| Checkpoint {
            origin: held.origin.to_string(),
            size: held.size,
            root: held.root.to_string(),
            source: held.source.clone(),
        };
        Self { keys, checkpoints: held.iter().map(checkpoint).collect() }
    }
}
