//! Proofs that a checkpoint continues an older one.
//!
//! C2SP has no file for them, but it has what a log sends to a witness (tlog-witness, the body of `add-checkpoint`), and that
//! is all that such a file needs:
//!
//! ```text
//! old <how many entries the older checkpoint has>
//! <the proof: a hash in Base64 a line>
//!
//! <the newer checkpoint with its signatures, as it is>
//! ```
//!
//! The older checkpoint is not in it: whoever checks it has that one.

use std::fmt;
use std::str::FromStr;

use super::lines;
use crate::checkpoint::Checkpoint;
use crate::digest::Digest;
use crate::merkle::{consistency_path, is_consistent};

/// A proof that a checkpoint begins with the entries of an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// How many entries the older one has.
    pub old_size: u64,
    /// The roots of the subtrees that lead from the older root to the newer one.
    pub proof: Vec<Digest>,
    /// The newer checkpoint, as it was published.
    pub checkpoint: String,
}

/// Why a text is no such proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// It is something else.
    #[error("it does not begin with \"old\" and a number of entries")]
    Other,
    /// It begins as one, and goes on otherwise.
    #[error("it begins as a proof of consistency, but {0}")]
    Damaged(&'static str),
}

impl FromStr for Consistency {
    type Err = ConsistencyError;

    fn from_str(text: &str) -> Result<Self, ConsistencyError> {
        use ConsistencyError::Damaged;

        let line = text.split('\n').next().unwrap_or_default();
        let digits = line.strip_prefix("old ").ok_or(ConsistencyError::Other)?;
        let old_size =
            lines::number(digits, "").ok_or(Damaged("\"old\" has no number of entries behind it"))?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(Damaged("no checkpoint follows behind an empty line"))?;
        let proof = lines::hashes(head.split('\n').skip(1));
        let proof = proof.ok_or(Damaged("a line of the proof is no hash in Base64"))?;
        Ok(Self { old_size, proof, checkpoint: checkpoint.to_owned() })
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        lines::write_hashes(&self.proof, f)?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why such a proof does not show that a checkpoint continues another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyFault {
    /// They are of different chains.
    #[error("the older checkpoint is of {old}, the newer one of {new}")]
    Origin {
        /// Of what the older one is.
        old: String,
        /// Of what the newer one is.
        new: String,
    },
    /// The proof is for another older checkpoint.
    #[error("the proof begins at {proof} entries, and the older checkpoint is of {old}")]
    Beginning {
        /// Where it begins.
        proof: u64,
        /// Where it should.
        old: u64,
    },
    /// The newer one has fewer entries.
    #[error("the older checkpoint is of {old} entries, the newer one only of {new}")]
    Shorter {
        /// How many the older one has.
        old: u64,
        /// How many the newer one has.
        new: u64,
    },
    /// There is not one line for each subtree.
    #[error("the proof has {found} lines, and {expected} lead from the one root to the other")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The hashes do not lead from the one root to the other.
    #[error("the proof does not lead from the older root, {old}, to the newer one, {new}")]
    NotContinued {
        /// The older one.
        old: Digest,
        /// The newer one.
        new: Digest,
    },
}

impl ConsistencyFault {
    /// Its kind.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Origin { .. } => "other_origin",
            Self::Beginning { .. } => "other_beginning",
            Self::Shorter { .. } => "shorter",
            Self::Length { .. } => "proof_length",
            Self::NotContinued { .. } => "not_continued",
        }
    }
}

impl Consistency {
    /// Why it does not show that `new`, its own checkpoint, begins with the entries of `old`; nothing if it does.
    pub fn fault(&self, old: &Checkpoint, new: &Checkpoint) -> Option<ConsistencyFault> {
        use ConsistencyFault::{Beginning, Length, NotContinued, Origin, Shorter};

        if old.origin != new.origin {
            return Some(Origin { old: old.origin.clone(), new: new.origin.clone() });
        }
        if old.size > new.size {
            return Some(Shorter { old: old.size, new: new.size });
        }
        if self.old_size != old.size {
            return Some(Beginning { proof: self.old_size, old: old.size });
        }
        let (found, expected) = (self.proof.len(), consistency_path(old.size, new.size).len());
        if found != expected {
            return Some(Length { found, expected });
        }
        let is_continued = is_consistent((old.size, old.root), (new.size, new.root), &self.proof);
        (!is_continued).then_some(NotContinued { old: old.root, new: new.root })
    }
}
