//! The pure core of pg_af: what is hashed, how it is linked, and how a chain is checked.
//!
//! No I/O, no PostgreSQL, no unsafe code: the extension and the command-line tool are thin shells
//! around this crate, so that an entry is hashed and checked by the same lines wherever that
//! happens. Reading order follows one entry:
//!
//! - [`timestamp`]: points in time as they are stored and as they are written
//! - [`canonical`]: canonical JSON from PostgreSQL's `jsonb` bytes or from text
//! - [`record`]: the canonical record of an entry, and its hash
//! - [`envelope`]: the canonical envelope of a message, its hash, and the check of both
//! - [`chain`]: the verifier, which takes entries one by one and yields findings
//! - [`tally`]: the quick check of a whole chain, entries in any order
//! - [`merkle`]: trees over the entries' hashes, their roots and proofs
//! - [`note`]: texts with signatures, as witnesses and transparency logs exchange them
//! - [`checkpoint`]: what such a text says of a chain, and which chain it is
//! - [`receipt`]: proofs that leave the database: of an entry under a checkpoint, and of one checkpoint under another
//! - [`digest`]: SHA-256 values and the sink that computes them
//! - `hasher`: that sink fed with canonical text
#![forbid(unsafe_code)]

pub mod canonical;
pub mod chain;
pub mod checkpoint;
pub mod digest;
pub mod envelope;
mod hasher;
pub mod merkle;
pub mod note;
pub mod receipt;
pub mod record;
pub mod tally;
pub mod timestamp;
