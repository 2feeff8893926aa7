//! Which ledger a connection leads to, and where its server stands.

use std::fmt;

use af_core::checkpoint::{Origin, Subject};
use postgres::Transaction;
use serde::{Deserialize, Serialize};

use crate::relation::Relation;
use crate::server::ServerError;

const QUERY: &str = "
    SELECT s.system_identifier, d.datname::text, n.nspname::text, d.oid, k.timeline_id,
           (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END
               - '0/0'::pg_lsn)::int8,
           pg_is_in_recovery()
    FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_control_checkpoint() AS k, pg_catalog.pg_database AS d,
         pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE d.datname = pg_catalog.current_database() AND c.oid = $1";

/// Where a server stands in its history. It only serves to say why a chain is shorter than it was: an old copy of the
/// database has another place, a DELETE leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standpoint {
    /// The OID of the database, which another one of the same name has not.
    pub database_oid: u32,
    /// The timeline of its WAL.
    pub timeline: i32,
    /// The position in it, in bytes.
    pub lsn: i64,
}

impl Standpoint {
    /// Why a server that stands at `now` has an older state than the one that stood here, if it does.
    pub fn why_older(&self, now: &Self) -> Option<String> {
        if now.database_oid != self.database_oid {
            let oids = format!("its OID is {}, and was {}", now.database_oid, self.database_oid);
            return Some(format!("this is another database of the same name ({oids})"));
        }
        if now.timeline != self.timeline {
            let timelines = format!("{} instead of {}", now.timeline, self.timeline);
            return Some(format!("the server is on another timeline of its history ({timelines})"));
        }
        (now.lsn < self.lsn).then(|| {
            format!("the server's WAL ends at {}, before {} where it was then", Lsn(now.lsn), Lsn(self.lsn))
        })
    }
}

/// A position in the WAL, as PostgreSQL writes it.
struct Lsn(i64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

/// Which ledger it is, and where its server stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The cluster's system identifier.
    pub system: u64,
    /// The database.
    pub database: String,
    /// The schema of the table of entries.
    pub schema: String,
    /// Whether the server is a standby, which may be behind.
    pub is_standby: bool,
    /// Where the server stands.
    #[serde(flatten)]
    pub standpoint: Standpoint,
}

impl Identity {
    /// Asks for it.
    pub(crate) fn of(transaction: &mut Transaction<'_>, relation: &Relation) -> Result<Self, ServerError> {
        let row = transaction.query_one(QUERY, &[&relation.oid])?;
        let system: i64 = row.get(0);
        Ok(Self {
            system: system.cast_unsigned(),
            database: row.get(1),
            schema: row.get(2),
            is_standby: row.get(6),
            standpoint: Standpoint { database_oid: row.get(3), timeline: row.get(4), lsn: row.get(5) },
        })
    }

    /// The name of a log of this ledger.
    pub fn origin(&self, subject: Subject, incarnation: u32) -> Origin {
        let (database, schema) = (self.database.clone(), self.schema.clone());
        Origin { system: self.system, database, schema, subject, incarnation }
    }

    /// Whether a log is one of this ledger's.
    pub fn is_of(&self, origin: &Origin) -> bool {
        (origin.system, &origin.database, &origin.schema) == (self.system, &self.database, &self.schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_state_is_known_by_where_the_server_stands() {
        let then = Standpoint { database_oid: 5, timeline: 1, lsn: 0x1_0000_00a0 };
        let why = |now: Standpoint| then.why_older(&now);
        assert_eq!(why(then), None);
        assert_eq!(why(Standpoint { lsn: then.lsn + 1, ..then }), None);
        assert!(why(Standpoint { lsn: 0xb0, ..then }).unwrap().contains("ends at 0/B0, before 1/A0"));
        assert!(why(Standpoint { timeline: 2, ..then }).unwrap().contains("2 instead of 1"));
        assert!(why(Standpoint { database_oid: 6, ..then }).unwrap().contains("another database"));
    }
}
