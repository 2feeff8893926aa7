//! Checkpoints: signed statements of how long each chain is and what it holds, kept outside of the database.
//!
//! With one at hand, verification sees what a chain by itself cannot show: that its tail was cut off, that it was rewritten
//! as a whole, that an older state of the database or another database has taken its place.
//!
//! Making them is [`audit::checkpoint`](crate::audit::checkpoint)'s, comparing a ledger with them
//! [`audit::verify`](crate::audit::verify)'s.

mod cosigner;
mod held;
mod identity;
mod log;
mod proof;
mod signed;
mod state;
mod store;
mod witness;

pub use cosigner::{CosignError, Cosigned, Cosigner};
pub use held::{HeldError, Opened, WitnessedFile, read};
pub(crate) use held::{leaves_of, open_signed, open_text, text_of};
pub use identity::{Identity, Standpoint};
pub use log::{Leaf, Log, LogError};
pub use proof::{Checked, Flaw, Kind, ProofError, ProvenEntry, Trust, VouchedFor, check};
pub use signed::{OpenError, Signed};
pub use state::{State, StateError};
pub use store::{Store, StoreError};
pub(crate) use store::{list, state_beside, tenant_in};
pub(crate) use witness::rfc3339;
pub use witness::{Cosignature, Policy, PolicyError, Witnessed, cosign, witness_key};

use af_core::checkpoint::Origin;
use af_core::digest::Digest;

/// What a ledger is compared with: a checkpoint, or what a checkpoint of all chains vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Of which chain.
    pub origin: Origin,
    /// How many entries it had.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// Where that stands.
    pub source: String,
    /// Where the server stood then, if that was kept.
    pub standpoint: Option<Standpoint>,
}
