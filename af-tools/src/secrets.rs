//! Secrets: where they come from, how they change without a restart, and who has asked for them.
//!
//! - [`SecretsProvider`]: what every source of secrets can do: [`EnvironmentProvider`], [`FileProvider`],
//!   [`DirectoryProvider`], and [`Chain`], which asks several in turn; a [`Place`] is how the user names one
//! - [`rotate`]: a new value in two phases, checked before it counts
//! - [`Watched`]: values that are held and renewed when they change, for whoever runs on
//! - [`Recorded`]: the log of all accesses, and [`Ledger`], which keeps it as entries of `audits`

mod access;
mod chain;
mod directory;
mod environment;
mod error;
mod file;
mod guard;
mod key;
mod ledger;
mod places;
mod provider;
mod rotation;
mod value;
mod versions;
mod watched;
mod writer;

pub use access::{Access, Operation, Recorded, Recorder};
pub use chain::Chain;
pub use directory::DirectoryProvider;
pub use environment::EnvironmentProvider;
pub use error::Error;
pub use file::FileProvider;
pub use guard::Rules;
pub use key::Key;
pub use ledger::{Ledger, LedgerError};
pub use places::Place;
pub use provider::{Entry, Found, Listing, SecretsProvider, Step, Version};
pub use rotation::{generate, promote, rotate};
pub(crate) use value::{LONGEST_BYTES, Revealed};
pub use value::{MASK, Secret};
pub use watched::{Change, ChangeKind, Options, Subscription, Value, Watched};
