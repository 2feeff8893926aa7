//! What a backup says about itself, and what is in it.

use serde::{Deserialize, Serialize};

use super::Kind;
use super::facts::Facts;
use super::files::FileEntry;
use super::sealed::Content;

/// The manifest's name within a backup.
pub(super) const MANIFEST: &str = "manifest.json";
/// Where it is noted that a backup was verified.
pub(super) const VERIFIED: &str = "verified.json";
/// The dump's directory within a backup.
pub(super) const DUMP: &str = "dump";
/// The schema as text, compressed, so that a restored one can be compared with it line by line.
pub(super) const SCHEMA: &str = "schema.sql.gz";

/// The content of `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The name that the backup was made under.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The database that it was made of.
    pub database: Database,
    /// The schema with the ledger.
    pub ledger_schema: String,
    /// The table with the ledger: schema and name, quoted where they must be.
    pub ledger: String,
    /// Who made it of what.
    pub versions: Versions,
    /// How the dump is compressed.
    pub compression: Used,
    /// How many sessions dumped.
    pub jobs: u16,
    /// The state of the database that is in it.
    pub snapshot: Snapshot,
    /// When the work began, by this machine's clock, in RFC 3339.
    pub started_at: String,
    /// When it ended.
    pub ended_at: String,
    /// What the database said of itself under that snapshot.
    pub facts: Facts,
    /// The roles that objects in it belong to, or are granted to. A dump does not have them.
    pub roles: Vec<String>,
    /// Tables that belong to extensions, of which pg_dump leaves out all rows, or some.
    pub omitted: Vec<String>,
    /// SHA-256 of the schema's text.
    pub schema_sha256: String,
    /// The files, but for this one.
    pub files: Vec<FileEntry>,
}

impl Content for Manifest {
    const FORMAT: &'static str = "af-tools backup manifest 1";
}

impl Manifest {
    /// The full name of a table of the platform.
    pub(super) fn platform_table(&self, table: &str) -> String {
        beside(&self.ledger, table)
    }

    /// How many bytes the files have.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// How many rows are in it.
    pub fn rows(&self) -> u64 {
        self.facts.tables.iter().filter_map(|table| table.rows).sum()
    }
}

/// The full name of the table that is called so in the schema of the ledger, whose full name is given.
pub(super) fn beside(ledger: &str, table: &str) -> String {
    format!("{}{table}", ledger.strip_suffix("audits").unwrap_or_default())
}

/// A database as it is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its encoding.
    pub encoding: String,
    /// LC_COLLATE.
    pub collate: String,
    /// LC_CTYPE.
    pub ctype: String,
    /// Who compares texts: `libc`, `icu` or `builtin`.
    pub provider: String,
    /// The locale, where that is not libc.
    pub locale: Option<String>,
}

/// Versions of all that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This program.
    pub af_tools: String,
    /// The server, by its own words.
    pub server: String,
    /// Its major version.
    pub server_major: u32,
    /// The major version of pg_dump, which is that of the archive.
    pub pg_dump_major: u32,
    /// The extension, if it is there.
    pub extension: Option<String>,
    /// The newest migration that is applied, if migrations are kept book of.
    pub schema: Option<i64>,
}

impl Versions {
    /// The major version that pg_restore must have at least.
    pub(super) fn archive_major(&self) -> u32 {
        self.pg_dump_major.max(self.server_major)
    }
}

/// How the dump is compressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// What was asked for.
    pub asked: String,
    /// What was to be had.
    pub used: String,
}

/// The state of the database that is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The exported snapshot that all sessions shared.
    pub id: String,
    /// Where WAL was; everything in the backup was durable before it was made.
    pub lsn: String,
    /// When it was taken, by the server's clock, in RFC 3339.
    pub taken_at: String,
}
