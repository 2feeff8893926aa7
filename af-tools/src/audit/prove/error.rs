//! Why there is no proof.

use af_core::digest::Digest;
use af_core::receipt::Fault;
use af_core::record::RecordError;
use uuid::Uuid;

use crate::audit::verify;
use crate::checkpoint::LogError;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] verify::Error),
    /// The entry has come after the checkpoint.
    #[error("entry {seq} is not among the {size} entries of the checkpoint")]
    NotCovered {
        /// The entry.
        seq: u64,
        /// How many the checkpoint is of.
        size: u64,
    },
    /// The checkpoint is of another chain of this ledger.
    #[error("the checkpoint is not of tenant {tenant_id}, but of {origin}")]
    OtherChain {
        /// Whose chain is meant.
        tenant_id: Uuid,
        /// Of what it is.
        origin: String,
    },
    /// The two checkpoints are of different chains.
    #[error("the checkpoints are of {old} and of {new}")]
    OtherOrigin {
        /// The older one.
        old: String,
        /// The newer one.
        new: String,
    },
    /// What should be the newer checkpoint has fewer entries.
    #[error("the checkpoint to lead to is of {new} entries, the one to begin with of {old}")]
    Backwards {
        /// The older one.
        old: u64,
        /// The newer one.
        new: u64,
    },
    /// The checkpoint is of another ledger.
    #[error("foreign: the checkpoint is of {checkpoint}, this is {own}")]
    Foreign {
        /// Of what it is.
        checkpoint: String,
        /// What was read.
        own: String,
    },
    /// An entry is not there.
    #[error("{}: entry {seq} is not there, and the checkpoint is of {size}", if *.may_be_hidden { "incomplete" } else { "missing" })]
    Missing {
        /// Which.
        seq: u64,
        /// How many there should be.
        size: u64,
        /// Whether row-level security may hide it.
        may_be_hidden: bool,
    },
    /// An entry has no hash.
    #[error("unsealed: entry {0} has no SHA-256 value for a hash")]
    Unsealed(u64),
    /// What is stored does not have the hash that is stored.
    #[error("altered: entry {seq}: {reason}")]
    Altered {
        /// Which.
        seq: u64,
        /// What is wrong.
        reason: String,
    },
    /// It was sealed by a newer build.
    #[error("entry {seq}: {reason}")]
    Unknown {
        /// Which.
        seq: u64,
        /// Why.
        reason: RecordError,
    },
    /// The entries are others than those that were signed.
    #[error("rewritten: the first {size} entries have the root {found}, and the checkpoint says {signed}")]
    Rewritten {
        /// How many.
        size: u64,
        /// What they have.
        found: Digest,
        /// What was signed.
        signed: Digest,
    },
    /// The leaves are not those that were signed.
    #[error("compare the checkpoint with its leaves")]
    Leaves(#[source] LogError),
    /// The entry cannot be shown as one of the chain, whatever its hash.
    #[error("altered: entry {seq}: {fault}")]
    Faulty {
        /// Which.
        seq: u64,
        /// What is wrong.
        fault: Fault,
    },
}

impl ProveError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read(error) => return error.hint(),
            Self::NotCovered { .. } => {
                "Make a newer checkpoint: `af-tools audit checkpoint --key KEY --out DIR`."
            }
            Self::OtherChain { .. } => {
                "Each tenant has a checkpoint of its own, TENANT.checkpoint in the directory."
            }
            Self::OtherOrigin { .. } => "Both must be of the same tenant, or of all chains, and incarnation.",
            Self::Backwards { .. } => "--from is the older one.",
            Self::Foreign { .. } => {
                "Is it the database that is meant? The checkpoint says of which one it is."
            }
            Self::Missing { may_be_hidden: true, .. } => {
                "Row-level security may hide entries: prove as a role that sees every tenant, such as a member of af_auditor."
            }
            Self::Unknown { .. } => "A newer af-tools may know more.",
            Self::Leaves(_) => "Compare with the copies that others hold.",
            Self::Missing { .. }
            | Self::Unsealed(_)
            | Self::Altered { .. }
            | Self::Rewritten { .. }
            | Self::Faulty { .. } => "docs/forensics.md says what to do, and what not to do, next.",
        };
        Some(hint.to_owned())
    }

    /// Whether the ledger is not what was signed.
    pub fn is_finding(&self) -> bool {
        match self {
            Self::Missing { may_be_hidden, .. } => !may_be_hidden,
            Self::Foreign { .. }
            | Self::Unsealed(_)
            | Self::Altered { .. }
            | Self::Rewritten { .. }
            | Self::Leaves(_)
            | Self::Faulty { .. } => true,
            Self::Read(_)
            | Self::NotCovered { .. }
            | Self::OtherChain { .. }
            | Self::OtherOrigin { .. }
            | Self::Backwards { .. }
            | Self::Unknown { .. } => false,
        }
    }

    /// Whether nothing speaks against what was to be proven, and it cannot be proven.
    pub fn is_unproven(&self) -> bool {
        matches!(
            self,
            Self::NotCovered { .. } | Self::Missing { may_be_hidden: true, .. } | Self::Unknown { .. }
        )
    }
}
