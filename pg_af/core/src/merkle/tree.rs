//! Trees that grow while a ledger is walked, in one go or in sections.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{CompactRange, leaf_hash};
use crate::digest::Digest;

/// Of which chains trees are wanted, and at which sizes.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The tree of every chain.
    pub all: bool,
    /// The trees of these chains, and their roots at these sizes. The sizes of each are in ascending order.
    pub sizes: BTreeMap<Uuid, Vec<u64>>,
}

impl Wanted {
    /// Whether there is any.
    pub fn is_any(&self) -> bool {
        self.all || !self.sizes.is_empty()
    }

    fn sizes_of(&self, tenant_id: Uuid) -> Option<&[u64]> {
        let sizes = self.sizes.get(&tenant_id).map(Vec::as_slice);
        sizes.or(self.all.then_some(&[]))
    }
}

/// Adjoining entries of a chain, on the way to being leaves.
///
/// The last one is not added yet, so that it is known by its hash: together with the range before it, that is what a
/// later walk can begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leaves {
    range: CompactRange,
    last: Option<Digest>,
}

impl Leaves {
    fn after(range: CompactRange) -> Self {
        Self { range, last: None }
    }

    fn end(&self) -> u64 {
        self.range.end() + u64::from(self.last.is_some())
    }

    fn push(&mut self, hash: Digest) {
        self.settle();
        self.last = Some(hash);
    }

    fn settle(&mut self) {
        if let Some(last) = self.last.take() {
            self.range.push(leaf_hash(last.as_bytes()));
        }
    }

    fn settled(&self) -> CompactRange {
        let mut leaves = self.clone();
        leaves.settle();
        leaves.range
    }
}

/// The part of a chain's tree over entries that were walked together.
#[derive(Debug, Clone)]
pub struct Section {
    tenant_id: Uuid,
    leaves: Leaves,
    /// What stood at the wanted sizes.
    marks: Vec<CompactRange>,
    /// The position of the first entry that cannot be a leaf.
    fault: Option<u64>,
}

/// Takes entries as they stream by, and makes sections of trees of them.
pub struct Growth<'a> {
    wanted: &'a Wanted,
    sections: Vec<Section>,
}

impl<'a> Growth<'a> {
    /// Nothing yet.
    pub fn new(wanted: &'a Wanted) -> Self {
        Self { wanted, sections: Vec::new() }
    }

    /// Takes the next entry, in the order of tenants and positions, with its hash as stored.
    ///
    /// What has no place among the others, or no hash, makes the tree unusable from there on; why, the verifier tells.
    pub fn push(&mut self, tenant_id: Option<Uuid>, seq: Option<i64>, hash: Option<&[u8]>) {
        let Some(tenant_id) = tenant_id else { return };
        let Some(sizes) = self.wanted.sizes_of(tenant_id) else { return };
        let position = seq.and_then(|seq| u64::try_from(seq).ok()).filter(|seq| *seq >= 1);
        let section = match self.sections.last_mut() {
            Some(last) if last.tenant_id == tenant_id => last,
            _ => {
                let leaves = Leaves::after(CompactRange::starting_at(position.unwrap_or(1) - 1));
                self.sections.push(Section { tenant_id, leaves, marks: Vec::new(), fault: None });
                let Some(section) = self.sections.last_mut() else { return };
                section
            }
        };
        if section.fault.is_some() {
            return;
        }
        let next = section.leaves.end() + 1;
        match hash.and_then(Digest::from_slice).filter(|_| position == Some(next)) {
            Some(hash) => section.leaves.push(hash),
            None => section.fault = Some(next),
        }
        if section.fault.is_none() && sizes.binary_search(&next).is_ok() {
            section.marks.push(section.leaves.settled());
        }
    }

    /// What has grown, in the order of the chains.
    pub fn finish(self) -> Vec<Section> {
        self.sections
    }
}

impl Section {
    /// Whose chain.
    pub fn tenant_id(&self) -> Uuid {
        self.tenant_id
    }
}

/// The tree over a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    leaves: Leaves,
    roots: BTreeMap<u64, Digest>,
    fault: Option<u64>,
}

impl Default for Tree {
    /// The tree without leaves.
    fn default() -> Self {
        Self::after(CompactRange::starting_at(0))
    }
}

impl Tree {
    /// The tree over the entries of a range, which begins with leaf 0; it goes on with what follows.
    pub fn after(range: CompactRange) -> Self {
        Self { leaves: Leaves::after(range), roots: BTreeMap::new(), fault: None }
    }

    /// Adds the entries that follow.
    pub fn append(&mut self, section: &Section) {
        if self.fault.is_some() {
            return;
        }
        let end = self.leaves.end();
        self.leaves.settle();
        for mark in &section.marks {
            let mut range = self.leaves.range.clone();
            if range.append(mark) {
                self.roots.insert(mark.end(), range.root());
            }
        }
        self.fault = match self.leaves.range.append(&section.leaves.range) {
            true => section.fault,
            false => Some(end + 1),
        };
        if self.fault.is_none() {
            self.leaves.last = section.leaves.last;
        }
    }

    /// The root at a size that was wanted, if that many entries were there and had a hash.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        self.roots.get(&size).copied()
    }

    /// How many leaves there are; `None` if there is an entry that cannot be a leaf.
    pub fn size(&self) -> Option<u64> {
        self.fault.is_none().then(|| self.leaves.end())
    }

    /// The position of the first entry that cannot be a leaf, or is not there: from there on there are no roots.
    pub fn fault(&self) -> Option<u64> {
        self.fault
    }

    /// The root over all leaves, if each entry is one.
    pub fn root(&self) -> Option<Digest> {
        self.fault.is_none().then(|| self.leaves.settled().root())
    }

    /// The range before the last entry, and that entry's hash: what a walk that begins there goes on from.
    pub fn seam(&self) -> Option<(&CompactRange, Digest)> {
        let last = self.leaves.last.filter(|_| self.fault.is_none())?;
        Some((&self.leaves.range, last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::by_definition;
    use super::*;

    const TENANT: Uuid = Uuid::from_u128(7);

    fn hashes(n: usize) -> Vec<Digest> {
        (0..n).map(|i| leaf_hash(&[u8::try_from(i).unwrap()])).collect()
    }

    fn root(hashes: &[Digest]) -> Digest {
        let leaves: Vec<Digest> = hashes.iter().map(|hash| leaf_hash(hash.as_bytes())).collect();
        by_definition(&leaves)
    }

    fn wanted(sizes: &[u64]) -> Wanted {
        Wanted { all: false, sizes: BTreeMap::from([(TENANT, sizes.to_vec())]) }
    }

    /// The tree over entries that are given as position and hash, in sections.
    fn grow(wanted: &Wanted, from: Tree, sections: &[Vec<(i64, Option<Digest>)>]) -> Tree {
        let mut tree = from;
        for section in sections {
            let mut growth = Growth::new(wanted);
            for (seq, hash) in section {
                growth.push(Some(TENANT), Some(*seq), hash.as_ref().map(|hash| &hash.as_bytes()[..]));
            }
            growth.finish().iter().for_each(|section| tree.append(section));
        }
        tree
    }

    fn entries(hashes: &[Digest]) -> Vec<(i64, Option<Digest>)> {
        (1..).zip(hashes.iter().copied().map(Some)).collect()
    }

    #[test]
    fn what_is_no_leaf_ends_the_tree() {
        let hashes = hashes(6);
        let sound = entries(&hashes);
        for (case, fault) in [
            (vec![sound[0], sound[1], sound[3]], 3),
            (vec![sound[1]], 1),
            (vec![sound[0], sound[0]], 2),
            (vec![sound[0], (2, None), sound[2]], 2),
            (vec![(0, Some(hashes[0])), sound[0]], 1),
        ] {
            let tree = grow(&wanted(&[1, 3]), Tree::default(), std::slice::from_ref(&case));
            assert_eq!((tree.fault(), tree.root(), tree.size()), (Some(fault), None, None), "{case:?}");
            assert_eq!(tree.root_at(3), None);
            assert_eq!(tree.root_at(1).is_some(), fault > 1);
            assert!(tree.seam().is_none());
        }
        // Between sections as well.
        let gap = grow(&wanted(&[]), Tree::default(), &[sound[..2].to_vec(), sound[3..].to_vec()]);
        assert_eq!(gap.fault(), Some(3));
    }

    #[test]
    fn only_what_is_wanted_grows() {
        let growth_of = |wanted: &Wanted| {
            let mut growth = Growth::new(wanted);
            growth.push(Some(TENANT), Some(1), Some(&[1; 32]));
            growth.push(Some(Uuid::from_u128(8)), Some(1), Some(&[1; 32]));
            growth.push(None, Some(1), Some(&[1; 32]));
            growth.finish().iter().map(Section::tenant_id).collect::<Vec<_>>()
        };
        assert!(growth_of(&Wanted::default()).is_empty());
        assert_eq!(growth_of(&wanted(&[5])), [TENANT]);
        assert_eq!(growth_of(&Wanted { all: true, ..Wanted::default() }), [TENANT, Uuid::from_u128(8)]);
    }

    proptest! {
        /// In whatever sections, from wherever it goes on, and in whichever sizes: the roots are those of the definition.
        #[test]
        fn roots_are_those_of_the_definition(
            n in 1_usize..60,
            seams in proptest::collection::vec(0_usize..60, 0..5),
            sizes in proptest::collection::btree_set(1_u64..70, 0..5),
        ) {
            let hashes = hashes(n);
            let all = entries(&hashes);
            let mut seams: Vec<usize> = seams.into_iter().filter(|seam| *seam < n).chain([0, n]).collect();
            seams.sort_unstable();
            let sections: Vec<_> = seams.windows(2).map(|pair| all[pair[0]..pair[1]].to_vec()).collect();
            let sizes: Vec<u64> = sizes.into_iter().collect();
            let tree = grow(&wanted(&sizes), Tree::default(), &sections);
            prop_assert_eq!(tree.size(), Some(n as u64));
            prop_assert_eq!(tree.root(), Some(root(&hashes)));
            for size in &sizes {
                let expected = hashes.get(..*size as usize).map(root);
                prop_assert_eq!(tree.root_at(*size), expected);
            }
            // What is kept of a smaller tree is enough to go on, beginning with its last entry.
            let kept = seams[seams.len() / 2].max(1);
            let smaller = grow(&wanted(&[]), Tree::default(), &[all[..kept].to_vec()]);
            let (range, last) = smaller.seam().unwrap();
            prop_assert_eq!(last, hashes[kept - 1]);
            let range = CompactRange::of_first(range.end(), range.hashes().to_vec()).unwrap();
            let resumed = grow(&wanted(&[]), Tree::after(range), &[all[kept - 1..].to_vec()]);
            prop_assert_eq!(resumed.root(), Some(root(&hashes)));
        }
    }
}
