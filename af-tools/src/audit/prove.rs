//! Proofs made from what the ledger holds: that an entry is among those of a checkpoint, and that a checkpoint continues an
//! older one. Nothing is handed out that does not hold.

mod chain;
mod error;

use af_core::checkpoint::{Checkpoint, Origin, Subject};
use af_core::digest::Digest;
use af_core::merkle::{CompactRange, Path, consistency_path, inclusion_path, leaf_hash};
use af_core::receipt::{Consistency, Receipt};
use postgres::Client;
use uuid::Uuid;

pub use error::ProveError;

use crate::checkpoint::{Log, Signed};
use crate::watch::Watch;
use chain::Chain;

/// Proves that an entry is among those of a checkpoint of its chain.
///
/// Reads the hashes of all of them once, in memory that does not depend on their number.
pub fn receipt(
    client: &mut Client,
    tenant_id: Uuid,
    seq: u64,
    signed: &Signed,
    watch: &mut dyn Watch,
) -> Result<Receipt, ProveError> {
    let Signed { note, checkpoint, origin } = signed;
    let size = checkpoint.size;
    must_be_of(tenant_id, origin)?;
    let index = match seq.checked_sub(1).filter(|index| *index < size) {
        Some(index) => index,
        None => return Err(ProveError::NotCovered { seq, size }),
    };
    let mut chain = Chain::open(client, tenant_id, origin)?;
    let mut tree = CompactRange::starting_at(0);
    let mut path = Path::new(inclusion_path(index, size));
    let mut hash = None;
    chain.leaves(size, watch, &mut |at, digest| {
        let leaf = leaf_hash(digest.as_bytes());
        tree.push(leaf);
        path.push(leaf);
        if at == seq {
            hash = Some(digest);
        }
    })?;
    must_have_root(checkpoint, &tree)?;
    let missing = ProveError::Missing { seq, size, may_be_hidden: chain.may_hide_rows };
    let (Some(hash), Some(proof)) = (hash, path.finish()) else { return Err(missing) };
    let (prev_hash, record) = chain.entry(seq, size, hash)?;
    chain.close()?;
    let receipt = Receipt { prev_hash, record, index, proof, checkpoint: note.to_string() };
    match receipt.faults(checkpoint, origin).into_iter().next() {
        None => Ok(receipt),
        Some(fault) => Err(ProveError::Faulty { seq, fault }),
    }
}

/// Proves that a checkpoint of a tenant's chain continues an older one.
pub fn consistency(
    client: &mut Client,
    tenant_id: Uuid,
    old: &Signed,
    new: &Signed,
    watch: &mut dyn Watch,
) -> Result<Consistency, ProveError> {
    must_be_in_order(old, new)?;
    must_be_of(tenant_id, &new.origin)?;
    let mut chain = Chain::open(client, tenant_id, &new.origin)?;
    let mut growth = Growth::new(old, new);
    chain.leaves(new.checkpoint.size, watch, &mut |_, digest| growth.push(leaf_hash(digest.as_bytes())))?;
    chain.close()?;
    growth.finish()
}

/// Proves that a checkpoint of all chains continues an older one, from the text of the leaves beside the newer one.
pub fn consistency_of_ledger(old: &Signed, new: &Signed, leaves: &str) -> Result<Consistency, ProveError> {
    must_be_in_order(old, new)?;
    let log = Log::read(leaves, &new.checkpoint).map_err(ProveError::Leaves)?;
    let mut growth = Growth::new(old, new);
    log.leaves().iter().for_each(|leaf| growth.push(leaf.hash()));
    growth.finish()
}

fn must_be_of(tenant_id: Uuid, origin: &Origin) -> Result<(), ProveError> {
    if origin.subject == Subject::Tenant(tenant_id) {
        return Ok(());
    }
    Err(ProveError::OtherChain { tenant_id, origin: origin.to_string() })
}

fn must_be_in_order(old: &Signed, new: &Signed) -> Result<(), ProveError> {
    if old.origin != new.origin {
        return Err(ProveError::OtherOrigin { old: old.origin.to_string(), new: new.origin.to_string() });
    }
    let (old, new) = (old.checkpoint.size, new.checkpoint.size);
    if old > new { Err(ProveError::Backwards { old, new }) } else { Ok(()) }
}

fn must_have_root(checkpoint: &Checkpoint, tree: &CompactRange) -> Result<(), ProveError> {
    let (found, signed) = (tree.root(), checkpoint.root);
    let size = checkpoint.size;
    if found == signed { Ok(()) } else { Err(ProveError::Rewritten { size, found, signed }) }
}

/// A tree on its way from the older checkpoint to the newer one.
struct Growth<'a> {
    old: &'a Signed,
    new: &'a Signed,
    tree: CompactRange,
    path: Path,
    /// How it stood at the size of the older one.
    at_old: Option<CompactRange>,
}

impl<'a> Growth<'a> {
    fn new(old: &'a Signed, new: &'a Signed) -> Self {
        let path = Path::new(consistency_path(old.checkpoint.size, new.checkpoint.size));
        let mut growth = Self { old, new, tree: CompactRange::starting_at(0), path, at_old: None };
        growth.look();
        growth
    }

    fn look(&mut self) {
        if self.tree.end() == self.old.checkpoint.size {
            self.at_old = Some(self.tree.clone());
        }
    }

    fn push(&mut self, leaf: Digest) {
        self.tree.push(leaf);
        self.path.push(leaf);
        self.look();
    }

    fn finish(self) -> Result<Consistency, ProveError> {
        let (old, new) = (&self.old.checkpoint, &self.new.checkpoint);
        must_have_root(new, &self.tree)?;
        let missing = ProveError::Missing { seq: self.tree.end(), size: new.size, may_be_hidden: false };
        let (Some(at_old), Some(proof)) = (self.at_old, self.path.finish()) else { return Err(missing) };
        must_have_root(old, &at_old)?;
        Ok(Consistency { old_size: old.size, proof, checkpoint: self.new.note.to_string() })
    }
}
