//! Merkle trees as certificate transparency has them (RFC 6962, section 2.1; the same in RFC 9162): one root for all the
//! entries of a chain, short proofs that an entry is among them, and that an older root is of the same entries.
//!
//! The leaves are the entries' hashes, in the order of their positions. Trees are built while entries stream by
//! ([`Tree`]), from a [`CompactRange`] of as many hashes as the length of the chain has binary digits; the same is all
//! that has to be kept in order to go on later.

mod proof;
mod range;
mod tree;

use sha2::{Digest as _, Sha256};

pub use proof::{Path, consistency_path, inclusion_path, is_consistent, root_of_inclusion};
pub use range::CompactRange;
pub use tree::{Growth, Section, Tree, Wanted};

use crate::digest::Digest;

/// The hash of a leaf.
pub fn leaf_hash(data: &[u8]) -> Digest {
    Digest::from(<[u8; 32]>::from(Sha256::new().chain_update([0]).chain_update(data).finalize()))
}

/// The hash of a node above two others.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let node = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    Digest::from(<[u8; 32]>::from(node.finalize()))
}

/// The root over no leaves.
pub fn empty_root() -> Digest {
    Digest::from(<[u8; 32]>::from(Sha256::digest([])))
}

#[cfg(test)]
mod samples {
    use super::{Digest, empty_root, leaf_hash, node_hash};

    /// The root by RFC 6962's own words, over the leaves' hashes.
    pub(super) fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves.len() {
            0 => empty_root(),
            1 => leaves[0],
            n => {
                let (left, right) = leaves.split_at(n.next_power_of_two() / 2);
                node_hash(&by_definition(left), &by_definition(right))
            }
        }
    }

    /// The leaves that are the numbers from 0.
    pub(super) fn leaves(n: u64) -> Vec<Digest> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }
}
