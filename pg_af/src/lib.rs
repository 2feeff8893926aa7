//! pg_af: the tamper-evident ledger inside PostgreSQL.
//!
//! Thin shells around `af-core`: what they do is convert, call and report. Reading order follows
//! one audit row in, and then the verifier over all of them:
//!
//! - `trigger`: how PostgreSQL calls a trigger function
//! - `table_cache`: what a trigger has looked up about a table
//! - `tuple`: the columns of a row as PostgreSQL holds them, and as `af-core` wants them
//! - `chain`: the trigger that gives each row its place: where the chain ends, and what follows
//! - `envelope`: the trigger that lets in only messages whose hash is right, and the envelope as SQL functions
//! - `guard`: the trigger that refuses every change to what is stored
//! - `functions`: canonical text, record and hash for whoever wants to redo one by hand
//! - `verify`: the check of whole chains, and of messages
//! - `fmgr`: C functions
//! - `prefetch`: a row asked for before it is needed
//! - `rows`: the rows of a query, without a copy
//! - `access`: what the current user may see
//! - `durable`: what must be flushed before anybody is told of it
//! - `settings`: what an administrator can set
//! - `error`: every error that a user can see, with its SQLSTATE
//!
//! SQL objects that pgrx does not generate are in `sql/`.
#![expect(
    clippy::result_large_err,
    reason = "ErrorReport is pgrx's own, and made once for a statement that fails"
)]

use pgrx::prelude::*;

mod access;
mod chain;
mod convert;
mod durable;
mod envelope;
mod error;
mod fmgr;
mod functions;
mod guard;
mod jsonb;
mod prefetch;
mod rows;
mod settings;
mod table_cache;
#[cfg(any(test, feature = "pg_test"))]
mod tests;
mod trigger;
mod tuple;
mod verify;

::pgrx::pg_module_magic!(name, version);

/// Called by PostgreSQL when it loads the library, once in each process.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    settings::define();
    chain::register();
    table_cache::register();
}

extension_sql_file!("../sql/preconditions.sql", name = "preconditions", bootstrap);
extension_sql_file!("../sql/triggers.sql", name = "triggers");
extension_sql_file!("../sql/tally.sql", name = "tally");
extension_sql_file!("../sql/durable.sql", name = "durable");
extension_sql_file!("../sql/comments.sql", name = "comments", finalize);

/// What `cargo pgrx test` asks of the crate.
#[cfg(test)]
pub mod pg_test {
    /// Called once before the tests.
    pub fn setup(_options: Vec<&str>) {}

    /// Settings of the test server.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        Vec::new()
    }
}
