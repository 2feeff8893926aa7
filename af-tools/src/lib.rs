//! af-tools: verify, migrate and fill pg_af ledgers from outside the database.
//!
//! Dependencies point downwards: the command line knows the libraries, the libraries neither print nor
//! know the command line.
//!
//! - [`cli`]: the arguments, one file for each command
//! - [`commands`]: from arguments to a library and from its result to a report; [`run`] starts here
//! - [`output`]: the one printer, for people and as JSON
//! - [`exit`]: what the exit codes mean
//! - [`interrupt`]: what happens on Ctrl-C
//! - [`audit`]: the ledger from outside: import and verification
//! - [`checkpoint`]: signed statements of how long chains are and what they hold, kept elsewhere
//! - [`message`]: messages from outside: verification and replay
//! - [`backup`]: backups that prove themselves, and their way back
//! - [`sign`]: Ed25519 signatures over documents
//! - [`timestamp`]: an authority's word that a file was there at a time
//! - [`memory`]: what agents remember
//! - [`migrate`]: the schema, in sqlx's form
//! - [`plan`]: plans that agents carry out with their memory, and the record of it
//! - [`guards`]: whether what guards the ledger is in place
//! - [`validate`]: whether the services are well
//! - [`demo`]: the whole path on a server of its own
//! - [`throwaway`]: that server
//! - [`connection`]: libpq's rules for where and how to connect
//! - [`secrets`]: where passwords come from, how they are rotated, who has asked for them
//! - [`programs`]: PostgreSQL's own client programs
//! - [`server`]: what the server says when it refuses
//! - `relation`: which tables are meant, and whether they have the form that is counted on
//! - [`metrics`]: Prometheus' text format
//! - `numbers`: numbers as people read them
//! - `http`: requests over HTTP
//! - `files`: files that are whole or not there
//! - `tenant`: which tenant is meant
//! - `copy`: the binary format in which rows are pulled
//! - `wal`: durability of what is told outside of the database
//! - [`watch`]: how work tells how far it is
#![forbid(unsafe_code)]

pub mod cli;
pub mod commands;
pub mod exit;
pub mod interrupt;
pub mod output;

pub mod audit;
pub mod backup;
pub mod checkpoint;
#[cfg(unix)]
pub mod demo;
pub mod guards;
pub mod memory;
pub mod message;
pub mod migrate;
pub mod plan;
pub mod validate;

pub mod connection;
mod copy;
mod files;
mod http;
pub mod metrics;
mod numbers;
pub mod programs;
mod relation;
pub mod secrets;
pub mod server;
pub mod sign;
mod tenant;
#[cfg(unix)]
pub mod throwaway;
pub mod timestamp;
mod wal;
pub mod watch;

pub use commands::run;
