//! Compact ranges: what has to be known of some adjoining leaves in order to build any tree over them.

use super::{empty_root, node_hash};
use crate::digest::Digest;

/// The hashes of the largest complete subtrees that make up the leaves from `begin` up to, and without, `end`.
///
/// They are at most two for each level, in the order of their leaves; if `begin` is 0, one for each binary digit 1 of
/// `end`. Known under this name from the Go library transparency-dev/merkle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactRange {
    begin: u64,
    end: u64,
    hashes: Vec<Digest>,
}

impl CompactRange {
    /// No leaves yet; the first one will be that with index `begin`.
    pub fn starting_at(begin: u64) -> Self {
        Self { begin, end: begin, hashes: Vec::new() }
    }

    /// The range over the first `size` leaves, as [`CompactRange::hashes`] gave it; `None` if so many hashes make up no
    /// such range.
    pub fn of_first(size: u64, hashes: Vec<Digest>) -> Option<Self> {
        (hashes.len() as u64 == u64::from(size.count_ones())).then_some(Self { begin: 0, end: size, hashes })
    }

    /// The index of the first leaf.
    pub fn begin(&self) -> u64 {
        self.begin
    }

    /// The index behind the last leaf.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The hashes of the subtrees.
    pub fn hashes(&self) -> &[Digest] {
        &self.hashes
    }

    /// Adds the leaf that follows, by its [`leaf_hash`](super::leaf_hash).
    pub fn push(&mut self, leaf: Digest) {
        self.push_subtree(leaf, 0);
    }

    /// Adds the leaves of the range that follows; does nothing and returns false if `next` begins elsewhere.
    #[must_use]
    pub fn append(&mut self, next: &Self) -> bool {
        if next.begin != self.end {
            return false;
        }
        for hash in &next.hashes {
            let left = next.end - self.end;
            self.push_subtree(*hash, self.end.trailing_zeros().min(left.ilog2()));
        }
        true
    }

    /// Adds a complete subtree over the next 2^`level` leaves.
    fn push_subtree(&mut self, mut hash: Digest, mut level: u32) {
        let mut first = self.end;
        self.end += 1 << level;
        // As long as it is a right one whose left sibling is here too, both are one larger subtree.
        while first >> level & 1 == 1 && first - (1 << level) >= self.begin {
            let Some(sibling) = self.hashes.pop() else { break };
            hash = node_hash(&sibling, &hash);
            first -= 1 << level;
            level += 1;
        }
        self.hashes.push(hash);
    }

    /// The root over these leaves, as the tree that begins with the first of them has it. Of a range that begins with
    /// leaf 0, it is the root of the tree; of another one, that of a subtree, if it begins where one of its size can.
    pub fn root(&self) -> Digest {
        let mut hashes = self.hashes.iter().rev();
        let Some(last) = hashes.next() else { return empty_root() };
        hashes.fold(*last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::leaf_hash;
    use super::super::samples::{by_definition, leaves};
    use super::*;

    fn range(leaves: &[Digest], begin: u64) -> CompactRange {
        let mut range = CompactRange::starting_at(begin);
        leaves.iter().for_each(|leaf| range.push(*leaf));
        range
    }

    /// Of the reference implementation of certificate transparency, whose eight leaves are these; the roots are
    /// repeated in many test suites, such as transparency-dev/merkle.
    #[test]
    fn known_roots() {
        let leaves: Vec<Vec<u8>> = vec![
            vec![],
            vec![0x00],
            vec![0x10],
            vec![0x20, 0x21],
            vec![0x30, 0x31],
            vec![0x40, 0x41, 0x42, 0x43],
            vec![0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            (0x60..=0x6f).collect(),
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut range = CompactRange::starting_at(0);
        assert_eq!(range.root().to_string(), roots[0]);
        for (leaf, root) in leaves.iter().zip(&roots[1..]) {
            range.push(leaf_hash(leaf));
            assert_eq!(range.root().to_string(), *root, "{} leaves", range.end());
        }
    }

    #[test]
    fn any_number_of_leaves_has_the_root_of_the_definition() {
        let leaves = leaves(300);
        let mut range = CompactRange::starting_at(0);
        for n in 0..leaves.len() {
            assert_eq!(range.root(), by_definition(&leaves[..n]), "{n} leaves");
            assert_eq!(range.hashes().len(), n.count_ones() as usize);
            let kept = CompactRange::of_first(range.end(), range.hashes().to_vec());
            assert_eq!(kept.as_ref(), Some(&range));
            range.push(leaves[n]);
        }
        assert_eq!(CompactRange::of_first(5, vec![leaves[0]]), None);
    }

    #[test]
    fn a_range_that_does_not_follow_is_refused() {
        let leaves = leaves(9);
        let mut first = range(&leaves[..5], 0);
        let before = first.clone();
        assert!(!first.append(&range(&leaves[6..], 6)));
        assert!(!first.append(&range(&leaves[4..], 4)));
        assert_eq!(first, before);
    }

    proptest! {
        /// In however many sections the leaves come, the ranges together are the range of all.
        #[test]
        fn sections_make_up_the_whole(begin in 0_u64..70, seams in proptest::collection::vec(0_u64..200, 0..6)) {
            let leaves = leaves(200);
            let mut seams = seams;
            seams.push(200);
            seams.sort_unstable();
            let mut at = begin;
            let mut joined = CompactRange::starting_at(begin);
            for seam in seams.into_iter().filter(|seam| *seam >= begin) {
                let section = range(&leaves[at as usize..seam as usize], at);
                prop_assert!(joined.append(&section));
                at = seam;
            }
            prop_assert_eq!(joined, range(&leaves[begin as usize..], begin));
        }
    }
}
