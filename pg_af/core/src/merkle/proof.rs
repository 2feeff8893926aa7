//! Proofs that an entry is in a tree, and that one tree continues another (RFC 6962, sections 2.1.1 and 2.1.2).

use std::ops::Range;

use super::{CompactRange, node_hash};
use crate::digest::Digest;

/// The largest power of two below `n`, where a tree of `n` ≥ 2 leaves is divided.
fn seam(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The subtrees whose roots prove that leaf `index` is in a tree of `size` leaves, from the leaf's sibling up.
///
/// There are none if there is no such leaf.
pub fn inclusion_path(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    while index < size && end - begin > 1 {
        let middle = begin + seam(end - begin);
        if index < middle {
            path.push(middle..end);
            end = middle;
        } else {
            path.push(begin..middle);
            begin = middle;
        }
    }
    path.reverse();
    path
}

/// The subtrees whose roots prove that the first `old` leaves of a tree of `new` leaves are those of an older tree.
///
/// There are none if both are the same, or the old one is empty or larger, where there is nothing to prove.
pub fn consistency_path(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return path;
    }
    let (mut begin, mut end) = (0, new);
    while old < end {
        let middle = begin + seam(end - begin);
        if old <= middle {
            path.push(middle..end);
            end = middle;
        } else {
            path.push(begin..middle);
            begin = middle;
        }
    }
    // What is left is a subtree of both; if it is the whole old tree, the verifier knows its root.
    if begin > 0 {
        path.push(begin..end);
    }
    path.reverse();
    path
}

/// Gathers the roots of subtrees while leaves stream by, in memory that does not depend on their number.
pub struct Path {
    /// The subtrees that are still to come, the next one last, and where each belongs.
    awaited: Vec<(usize, Range<u64>)>,
    current: Option<(usize, CompactRange)>,
    hashes: Vec<Option<Digest>>,
    next: u64,
}

impl Path {
    /// For the subtrees that [`inclusion_path`] or [`consistency_path`] name.
    pub fn new(subtrees: Vec<Range<u64>>) -> Self {
        let hashes = vec![None; subtrees.len()];
        let mut awaited: Vec<_> = subtrees.into_iter().enumerate().collect();
        awaited.sort_unstable_by_key(|(_, subtree)| std::cmp::Reverse(subtree.start));
        Self { awaited, current: None, hashes, next: 0 }
    }

    /// Takes the next leaf, by its [`leaf_hash`](super::leaf_hash); the first one is leaf 0.
    pub fn push(&mut self, leaf: Digest) {
        if self.awaited.last().is_some_and(|(_, subtree)| subtree.start == self.next) {
            self.current = self.awaited.last().map(|(at, _)| (*at, CompactRange::starting_at(self.next)));
        }
        self.next += 1;
        let Some((at, range)) = &mut self.current else { return };
        range.push(leaf);
        if self.awaited.last().is_some_and(|(_, subtree)| subtree.end == self.next) {
            self.hashes[*at] = Some(range.root());
            self.awaited.pop();
            self.current = None;
        }
    }

    /// The roots, in the order of the path; `None` if not all leaves have come.
    pub fn finish(self) -> Option<Vec<Digest>> {
        self.hashes.into_iter().collect()
    }
}

/// The root of the tree of `size` leaves in which a proof places `leaf` (a [`leaf_hash`](super::leaf_hash)) at `index`.
///
/// `None` if the proof has another length than one for that place. It is for the caller to compare the root with one
/// that is vouched for.
pub fn root_of_inclusion(index: u64, size: u64, leaf: Digest, proof: &[Digest]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let path = inclusion_path(index, size);
    if path.len() != proof.len() {
        return None;
    }
    let is_left = |subtree: &Range<u64>| subtree.end <= index;
    Some(path.iter().zip(proof).fold(leaf, |hash, (subtree, sibling)| match is_left(subtree) {
        true => node_hash(sibling, &hash),
        false => node_hash(&hash, sibling),
    }))
}

/// Whether a proof shows that the tree of `new.0` leaves with the root `new.1` begins with the leaves of the tree of
/// `old.0` leaves with the root `old.1` (RFC 9162, section 2.1.4.2).
pub fn is_consistent(old: (u64, Digest), new: (u64, Digest), proof: &[Digest]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == 0 || old_size >= new_size {
        let is_trivial = if old_size == new_size { old_root == new_root } else { old_size == 0 };
        return is_trivial && proof.is_empty() && (old_size > 0 || old_root == super::empty_root());
    }
    let path = consistency_path(old_size, new_size);
    if path.len() != proof.len() {
        return false;
    }
    let mut nodes = path.iter().zip(proof);
    // The subtree that both trees have and that ends with the old one's last leaf.
    let (first, start) = match old_size.is_power_of_two() {
        true => (old_root, 0),
        false => match nodes.next() {
            Some((subtree, root)) => (*root, subtree.start),
            None => return false,
        },
    };
    let (mut old_hash, mut new_hash) = (first, first);
    for (subtree, root) in nodes {
        if subtree.end <= start {
            old_hash = node_hash(root, &old_hash);
            new_hash = node_hash(root, &new_hash);
        } else {
            new_hash = node_hash(&new_hash, root);
        }
    }
    old_hash == old_root && new_hash == new_root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{by_definition, leaves};
    use super::*;

    fn gather(leaves: &[Digest], subtrees: Vec<Range<u64>>) -> Vec<Digest> {
        let mut path = Path::new(subtrees);
        leaves.iter().for_each(|leaf| path.push(*leaf));
        path.finish().unwrap()
    }

    /// RFC 6962, section 2.1.3, gives these paths for a tree of seven leaves.
    #[test]
    fn paths_of_the_standards_example() {
        assert_eq!(inclusion_path(0, 7), [1..2, 2..4, 4..7]);
        assert_eq!(inclusion_path(3, 7), [2..3, 0..2, 4..7]);
        assert_eq!(inclusion_path(4, 7), [5..6, 6..7, 0..4]);
        assert_eq!(inclusion_path(6, 7), [4..6, 0..4]);
        assert_eq!(consistency_path(3, 7), [2..3, 3..4, 0..2, 4..7]);
        assert_eq!(consistency_path(4, 7), vec![4..7]);
        assert_eq!(consistency_path(6, 7), [4..6, 6..7, 0..4]);
        assert!(inclusion_path(7, 7).is_empty() && consistency_path(7, 7).is_empty());
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_nothing_else() {
        let leaves = leaves(33);
        for size in 1..=leaves.len() {
            let tree = &leaves[..size];
            let root = by_definition(tree);
            for index in 0..size {
                let at = |index: usize, leaf, proof: &[Digest]| {
                    root_of_inclusion(index as u64, size as u64, leaf, proof) == Some(root)
                };
                let proof = gather(tree, inclusion_path(index as u64, size as u64));
                assert!(at(index, tree[index], &proof), "{index} of {size}");
                for other in (0..=size).filter(|other| *other != index) {
                    assert!(!at(other, tree[index], &proof), "{index} of {size} as {other}");
                }
                assert!(size == 1 || !at(index, tree[(index + 1) % size], &proof));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!at(index, tree[index], shorter));
                }
            }
        }
    }

    #[test]
    fn every_two_small_trees_are_proven_consistent_and_no_others() {
        let leaves = leaves(33);
        for new in 0..=leaves.len() {
            let new_head = (new as u64, by_definition(&leaves[..new]));
            for old in 0..=new {
                let old_head = (old as u64, by_definition(&leaves[..old]));
                let proof = gather(&leaves[..new], consistency_path(old as u64, new as u64));
                assert!(is_consistent(old_head, new_head, &proof), "{old} to {new}");
                let wrong = leaves[0];
                assert!(!is_consistent((old as u64, wrong), new_head, &proof) || old == 1, "{old} to {new}");
                if old > 0 {
                    assert!(
                        !is_consistent(old_head, (new as u64, wrong), &proof) || new == 1,
                        "{old} to {new}"
                    );
                }
                let longer: Vec<Digest> = proof.iter().copied().chain([wrong]).collect();
                assert!(!is_consistent(old_head, new_head, &longer));
                if old < new && old > 0 {
                    assert!(!is_consistent(new_head, old_head, &proof));
                }
                for at in 0..proof.len() {
                    let mut edited = proof.clone();
                    edited[at] = node_hash(&wrong, &wrong);
                    assert!(!is_consistent(old_head, new_head, &edited), "{old} to {new}, {at}");
                }
            }
        }
    }

    proptest! {
        /// The proofs of cloudflare's implementation and ours are the same, and each verifies the other's.
        #[test]
        fn agrees_with_another_implementation(size in 1_u64..400, a in any::<u64>(), b in any::<u64>()) {
            use tlog_tiles::tlog;

            let (index, old) = (a % size, b % size + 1);
            let data: Vec<[u8; 8]> = (0..size).map(u64::to_be_bytes).collect();
            let leaves = leaves(size);
            let mut stored: Vec<tlog::Hash> = Vec::new();
            for (n, data) in (0..).zip(&data) {
                let hashes = tlog::stored_hashes(n, data, &Stored(&stored)).unwrap();
                stored.extend(hashes);
            }
            let hash = |digest: &Digest| tlog::Hash(*digest.as_bytes());
            let theirs = |hashes: &[tlog::Hash]| hashes.iter().map(|hash| Digest::from(hash.0)).collect::<Vec<_>>();
            let root = by_definition(&leaves);
            prop_assert_eq!(tlog::tree_hash(size, &Stored(&stored)).unwrap().0, *root.as_bytes());

            let inclusion = gather(&leaves, inclusion_path(index, size));
            prop_assert_eq!(&inclusion, &theirs(&tlog::prove_record(size, index, &Stored(&stored)).unwrap()));
            let proof: Vec<_> = inclusion.iter().map(hash).collect();
            prop_assert!(tlog::check_record(&proof, size, hash(&root), index, hash(&leaves[index as usize])).is_ok());

            let consistency = gather(&leaves, consistency_path(old, size));
            prop_assert_eq!(&consistency, &theirs(&tlog::prove_tree(size, old, &Stored(&stored)).unwrap()));
        }
    }

    struct Stored<'a>(&'a [tlog_tiles::tlog::Hash]);

    impl tlog_tiles::tlog::HashReader for Stored<'_> {
        fn read_hashes(
            &self,
            indexes: &[u64],
        ) -> Result<Vec<tlog_tiles::tlog::Hash>, tlog_tiles::tlog::Error> {
            Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
        }
    }
}
