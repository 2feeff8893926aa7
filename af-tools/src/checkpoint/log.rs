//! The log of all checkpoints that were signed for the chains of a ledger, in their order: its leaves are their texts.
//!
//! One checkpoint of this log vouches for all chains at once, so that one file of three lines is all that has to be kept
//! elsewhere, or be cosigned by a witness. Since the log is only ever appended to, its checkpoints are consistent with each
//! other as C2SP wants them.

use af_core::checkpoint::{Checkpoint, Origin, ParseOriginError, Subject};
use af_core::digest::Digest;
use af_core::merkle::{CompactRange, leaf_hash};
use uuid::Uuid;

/// Why a text is no such log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A line is no leaf.
    #[error("line {line} is not ORIGIN SIZE ROOT")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// There are fewer leaves than the checkpoint says.
    #[error("there are {leaves} leaves, the checkpoint is over {size}")]
    Short {
        /// How many there are.
        leaves: usize,
        /// How many there should be.
        size: u64,
    },
    /// They are not the leaves that the checkpoint is of.
    #[error("the leaves are not those that the checkpoint vouches for")]
    Root,
}

/// A leaf: what was signed for a tenant's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Which chain.
    pub origin: Origin,
    /// Whose chain.
    pub tenant_id: Uuid,
    /// How many entries it had.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

impl Leaf {
    /// The leaf for a checkpoint of a tenant's chain; `None` for another one.
    pub fn of(origin: &Origin, checkpoint: &Checkpoint) -> Option<Self> {
        let Subject::Tenant(tenant_id) = origin.subject else { return None };
        Some(Self { origin: origin.clone(), tenant_id, size: checkpoint.size, root: checkpoint.root })
    }

    /// What is hashed: the text that was signed.
    fn text(&self) -> String {
        let origin = self.origin.to_string();
        Checkpoint { origin, size: self.size, root: self.root, extensions: Vec::new() }.to_string()
    }

    /// Its hash in the tree.
    pub fn hash(&self) -> Digest {
        leaf_hash(self.text().as_bytes())
    }

    fn parse(line: &str) -> Option<Self> {
        // A leaf is the text of a checkpoint, its lines joined by spaces, which none of them has.
        let checkpoint: Checkpoint = format!("{}\n", line.replace(' ', "\n")).parse().ok()?;
        let origin: Result<Origin, ParseOriginError> = checkpoint.origin.parse();
        Self::of(&origin.ok()?, &checkpoint).filter(|leaf| leaf.line() == line)
    }

    fn line(&self) -> String {
        self.text().trim_end().replace('\n', " ")
    }
}

/// All leaves, and the tree over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    leaves: Vec<Leaf>,
    range: CompactRange,
}

impl Default for Log {
    fn default() -> Self {
        Self { leaves: Vec::new(), range: CompactRange::starting_at(0) }
    }
}

impl Log {
    /// The log as far as a checkpoint goes. Whatever follows was not vouched for, such as what a crash has left behind.
    ///
    /// # Errors
    ///
    /// When the checkpoint is not of these leaves.
    pub fn read(text: &str, checkpoint: &Checkpoint) -> Result<Self, LogError> {
        let mut log = Self::default();
        for (number, line) in text.lines().enumerate() {
            if log.size() == checkpoint.size {
                break;
            }
            log.append(Leaf::parse(line).ok_or(LogError::Line { line: number + 1 })?);
        }
        if log.size() < checkpoint.size {
            return Err(LogError::Short { leaves: log.leaves.len(), size: checkpoint.size });
        }
        if log.root() == checkpoint.root { Ok(log) } else { Err(LogError::Root) }
    }

    /// Adds a leaf.
    pub fn append(&mut self, leaf: Leaf) {
        self.range.push(leaf.hash());
        self.leaves.push(leaf);
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.range.end()
    }

    /// The root over them.
    pub fn root(&self) -> Digest {
        self.range.root()
    }

    /// The leaves, in the order in which they were signed.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The last leaf of a tenant's chain.
    pub fn last_of(&self, tenant_id: Uuid) -> Option<&Leaf> {
        self.leaves.iter().rev().find(|leaf| leaf.tenant_id == tenant_id)
    }

    /// The file's content.
    pub fn to_text(&self) -> String {
        self.leaves.iter().map(|leaf| leaf.line() + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(n: u8) -> Leaf {
        let tenant_id = Uuid::from_u128(u128::from(n % 3));
        let origin = Origin {
            system: 1,
            database: "a b".to_owned(),
            schema: "public".to_owned(),
            subject: Subject::Tenant(tenant_id),
            incarnation: 1,
        };
        Leaf { origin, tenant_id, size: u64::from(n) + 1, root: Digest::from([n; 32]) }
    }

    fn checkpoint(log: &Log) -> Checkpoint {
        Checkpoint { origin: "x".to_owned(), size: log.size(), root: log.root(), extensions: Vec::new() }
    }

    #[test]
    fn a_log_is_read_as_far_as_it_is_vouched_for() {
        let mut log = Log::default();
        (0..7).for_each(|n| log.append(leaf(n)));
        let signed = checkpoint(&log);
        let text = log.to_text();
        assert_eq!(Log::read(&text, &signed), Ok(log.clone()));
        assert_eq!(log.last_of(Uuid::from_u128(0)), Some(&leaf(6)));
        assert_eq!(log.last_of(Uuid::from_u128(9)), None);
        assert_eq!(Log::read(&format!("{text}half a li"), &signed), Ok(log.clone()));
        let shorter = text.lines().take(6).map(|line| format!("{line}\n")).collect::<String>();
        assert_eq!(Log::read(&shorter, &signed), Err(LogError::Short { leaves: 6, size: 7 }));
        let swapped = text.replacen(" 1 ", " 2 ", 1);
        assert_eq!(Log::read(&swapped, &signed), Err(LogError::Root));
        assert_eq!(
            Log::read(&text.replacen("ledger", "x", 1).replacen("pg_af", "x", 1), &signed),
            Err(LogError::Line { line: 1 })
        );
        // An older checkpoint of the same log is one of its beginning.
        let mut older = Log::default();
        (0..4).for_each(|n| older.append(leaf(n)));
        assert_eq!(Log::read(&text, &checkpoint(&older)), Ok(older));
    }
}
