//! Receipts (C2SP tlog-proof, <https://c2sp.org/tlog-proof>): that an entry is among those of a checkpoint, in one file that
//! is checked without the database.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <Base64 of: the hash of the entry before in hexadecimal, or nothing; a line feed; the canonical record>
//! index 6
//! <the proof: a hash in Base64 a line, from the leaf's sibling up>
//!
//! <the checkpoint with its signatures, as it is>
//! ```
//!
//! Here is what follows from the hashes; whether the checkpoint's signatures hold is for whoever has the keys.

mod consistency;
mod lines;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

pub use consistency::{Consistency, ConsistencyError, ConsistencyFault};

use crate::checkpoint::{Checkpoint, Origin, Subject};
use crate::digest::Digest;
use crate::merkle::{inclusion_path, leaf_hash, root_of_inclusion};
use crate::record::{ReadError, RecordError, RecordText};

/// What a proof of any version begins with.
const PREFIX: &str = "c2sp.org/tlog-proof@";
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof that an entry is among those of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The hash of the entry before; none for the first of a chain.
    pub prev_hash: Option<Digest>,
    /// The entry's canonical record.
    pub record: String,
    /// Which leaf it is, from 0: its position in the chain less one.
    pub index: u64,
    /// The roots of the subtrees beside it, from the leaf's sibling up.
    pub proof: Vec<Digest>,
    /// The checkpoint, as it was published.
    pub checkpoint: String,
}

/// Why a text is no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It is something else.
    #[error("it does not begin with {HEADER}")]
    Other,
    /// It is one of another version.
    #[error("it begins with {0}, and known is {HEADER}")]
    Version(String),
    /// It begins as one, and goes on otherwise.
    #[error("it begins as a receipt, but {0}")]
    Damaged(&'static str),
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        use ReceiptError::Damaged;

        let header = text.split('\n').next().unwrap_or_default();
        if header != HEADER {
            let is_version = header.starts_with(PREFIX) && header.len() < 2 * PREFIX.len();
            return Err(if is_version {
                ReceiptError::Version(header.to_owned())
            } else {
                ReceiptError::Other
            });
        }
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(Damaged("no checkpoint follows behind an empty line"))?;
        let mut lines = head.split('\n').skip(1);
        let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
        let extra = extra.and_then(|extra| String::from_utf8(BASE64.decode(extra).ok()?).ok());
        let extra = extra.ok_or(Damaged("the second line is not \"extra\" with text in Base64"))?;
        let (prev_hash, record) = extra
            .split_once('\n')
            .and_then(|(hash, record)| Some((lines::prev_hash(hash)?, record)))
            .ok_or(Damaged(
                "what \"extra\" holds does not begin with the hash of the entry before, or an empty line",
            ))?;
        let index = lines.next().and_then(|line| lines::number(line, "index "));
        let index = index.ok_or(Damaged("the third line is not \"index\" with a number"))?;
        let proof = lines::hashes(lines).ok_or(Damaged("a line of the proof is no hash in Base64"))?;
        let (record, checkpoint) = (record.to_owned(), checkpoint.to_owned());
        Ok(Self { prev_hash, record, index, proof, checkpoint })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prev_hash = self.prev_hash.map(|hash| hash.to_string()).unwrap_or_default();
        let extra = BASE64.encode(format!("{prev_hash}\n{}", self.record));
        writeln!(f, "{HEADER}\nextra {extra}\nindex {}", self.index)?;
        lines::write_hashes(&self.proof, f)?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why a receipt does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The checkpoint has fewer entries.
    #[error("it is of entry {seq}, and the checkpoint is of {size} entries")]
    Outside {
        /// The position it is said to have.
        seq: u64,
        /// How many entries there are.
        size: u64,
    },
    /// There is not one line for each level of the tree.
    #[error("the proof has {found} lines, and {expected} lead from that entry to the root")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The hashes lead elsewhere.
    #[error(
        "record, hash before, place and proof lead to the root {found}, and the checkpoint's is {expected}"
    )]
    NotIncluded {
        /// Where to.
        found: Digest,
        /// Where they should.
        expected: Digest,
    },
    /// What is said to be the record is none.
    #[error("the record cannot be read: {0}")]
    Record(ReadError),
    /// The record says that it stands elsewhere.
    #[error("the record is of entry {seq}, and the receipt says {place}")]
    Place {
        /// Where it says.
        seq: i64,
        /// Where the receipt says.
        place: u64,
    },
    /// Only the first entry has none before it.
    #[error("entry {seq} has {} hash of an entry before", if *.has_prev_hash { "a" } else { "no" })]
    Link {
        /// Its position.
        seq: i64,
        /// Whether there is one.
        has_prev_hash: bool,
    },
    /// The record is of another chain.
    #[error("the record is of tenant {record}, and the checkpoint of {checkpoint}")]
    Tenant {
        /// Whose chain the record is in.
        record: uuid::Uuid,
        /// Of what the checkpoint is.
        checkpoint: Subject,
    },
}

impl Fault {
    /// Its kind.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Outside { .. } => "outside",
            Self::Length { .. } => "proof_length",
            Self::NotIncluded { .. } => "not_included",
            Self::Record(ReadError::Record(RecordError::UnknownVersion(_))) => "unknown_version",
            Self::Record(_) => "record",
            Self::Place { .. } => "place",
            Self::Link { .. } => "link",
            Self::Tenant { .. } => "tenant",
        }
    }

    /// Whether something is wrong, rather than beyond what this build knows.
    pub fn is_finding(&self) -> bool {
        self.as_str() != "unknown_version"
    }
}

impl Receipt {
    /// The position in the chain that it is said to have.
    pub fn seq(&self) -> u64 {
        self.index.saturating_add(1)
    }

    /// The hash that seals the entry.
    pub fn entry_hash(&self) -> Digest {
        let prev_hash: &[u8] = self.prev_hash.as_ref().map_or(&[], |hash| hash.as_bytes());
        let hash = Sha256::new().chain_update(prev_hash).chain_update(&self.record).finalize();
        Digest::from(<[u8; 32]>::from(hash))
    }

    /// What is wrong with it under its checkpoint, which is of `origin`; nothing if it holds.
    pub fn faults(&self, checkpoint: &Checkpoint, origin: &Origin) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self.fault_of_place(checkpoint).into_iter().collect();
        match RecordText::parse(&self.record) {
            Err(error) => faults.push(Fault::Record(error)),
            Ok(record) => {
                let RecordText { seq, tenant_id, .. } = record;
                if u64::try_from(seq) != Ok(self.seq()) {
                    faults.push(Fault::Place { seq, place: self.seq() });
                }
                let has_prev_hash = self.prev_hash.is_some();
                if has_prev_hash == (seq == 1) {
                    faults.push(Fault::Link { seq, has_prev_hash });
                }
                if origin.subject != Subject::Tenant(tenant_id) {
                    faults.push(Fault::Tenant { record: tenant_id, checkpoint: origin.subject });
                }
            }
        }
        faults
    }

    fn fault_of_place(&self, checkpoint: &Checkpoint) -> Option<Fault> {
        let size = checkpoint.size;
        if self.index >= size {
            return Some(Fault::Outside { seq: self.seq(), size });
        }
        let leaf = leaf_hash(self.entry_hash().as_bytes());
        match root_of_inclusion(self.index, size, leaf, &self.proof) {
            None => {
                let expected = inclusion_path(self.index, size).len();
                Some(Fault::Length { found: self.proof.len(), expected })
            }
            Some(found) => {
                let expected = checkpoint.root;
                (found != expected).then_some(Fault::NotIncluded { found, expected })
            }
        }
    }
}

#[cfg(test)]
mod tests;
