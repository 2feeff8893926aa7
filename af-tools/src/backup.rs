//! Backups that prove themselves: a dump, what the database said of itself under the same snapshot, and the heads of its
//! chains. Made by [`create()`], checked by [`verify()`], kept by [`store`], put back by [`restore()`] and proven there.
//!
//! pg_dump and pg_restore do the work; what is here makes sure that they have done it.

pub mod store;

mod archive;
mod compression;
mod copy_text;
mod create;
mod database;
mod drill;
mod error;
mod facts;
mod files;
mod follow;
mod manifest;
mod mark;
mod member;
mod readers;
mod restore;
mod rows;
mod sealed;
mod select;
mod space;
mod verify;

use serde::{Deserialize, Serialize};

use crate::server::ServerError;

pub use compression::Compression;
pub use create::{Created, Options as CreateOptions, create};
pub use drill::{Check, Verdict};
pub use error::Error;
pub use facts::{Facts, Head, Sequence, Table};
pub use files::FileEntry;
pub use manifest::{Database, Manifest, Snapshot, Used, Versions};
pub use mark::{Mark, note};
pub use restore::{CHECK_STEP, Options as RestoreOptions, Receipt, Step, rehearse, restore, write_receipt};
pub use sealed::SealError;
pub use select::{Part, Selection, restore_part};
pub use verify::{Finding, Options as VerifyOptions, Signed, Verification, require_signature, verify};

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything in the database.
    Full,
    /// The schema, and no rows.
    Schema,
    /// The schema, and the rows of tenants, users, rbac_roles, rbac_bindings, audits, audit_checkpoints, audit_verifications
    /// and what they refer to.
    Critical,
}

impl Kind {
    /// The name used in names, tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Schema => "schema",
            Self::Critical => "critical",
        }
    }
}

/// For `map_err`: says what was being done when the server refused.
fn doing<E: Into<ServerError>>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Server { doing, source: error.into() }
}

/// The time by this machine's clock, in RFC 3339.
fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}
