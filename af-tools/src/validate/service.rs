//! The services, and how they are called.

use std::fmt;

/// A service that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// PostgreSQL with pg_af.
    Postgres,
    /// Redis, or what speaks its protocol.
    Redis,
    /// Qdrant.
    Qdrant,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Redis, Self::Qdrant];

    /// Its name on the command line, in every output, and in docker/docker-compose.yml.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Qdrant => "qdrant",
        }
    }

    /// What says where it is.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Self::Postgres => "--url, DATABASE_URL or the PG* variables",
            Self::Redis => "--redis-url or REDIS_URL",
            Self::Qdrant => "--qdrant-url or QDRANT_URL",
        }
    }

    /// The command that does something with it in the local setup.
    pub(super) fn compose(self, command: &str) -> String {
        format!("docker compose -f docker/docker-compose.yml {command} {self}")
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
