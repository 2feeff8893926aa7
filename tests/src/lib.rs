//! What the cross-component tests stand on: throw-away servers with the installed extension, a fresh database
//! for each test, random numbers that can be repeated, and `af-tools` as its users run it.
//!
//! - [`backups`]: `af-tools backup`, and ways to damage what it leaves
//! - [`certificates`]: for servers that speak TLS
//! - [`crash`]: servers that are crashed, and what they had promised
//! - [`database`]: the server that the tests of one binary share, and a database for each
//! - [`generated`]: files that are checked in and generated, for the program `generate`
//! - [`ledger`]: writing entries and checking whole chains, without the code under test where that is possible
//! - [`migrations`]: `af-tools migrate` with migrations of a test's own
//! - [`notary`]: whoever signs checkpoints
//! - [`platform`]: a row for each of the platform's tables
//! - [`qdrant_stand_in`]: what answers as Qdrant does, as far as `af-tools validate` asks
//! - [`random`]: seeded random numbers
//! - [`redis`]: throw-away Redis servers
//! - [`tools`]: the `af-tools` binary
//! - [`validate`]: `af-tools validate`
//!
//! The tests themselves are in `tests/`, one file for each promise of the contract.

#![forbid(unsafe_code)]

pub mod backups;
pub mod certificates;
pub mod crash;
pub mod database;
pub mod generated;
pub mod ledger;
pub mod migrations;
pub mod notary;
pub mod platform;
pub mod qdrant_stand_in;
pub mod random;
pub mod redis;
pub mod tools;
pub mod validate;
