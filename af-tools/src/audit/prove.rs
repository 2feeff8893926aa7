//! Proofs made from what the ledger holds: that an entry is among those of a checkpoint, and that a checkpoint continues an
//! older one. Nothing is handed out that does not hold.

use af_core::checkpoint::{Checkpoint, Origin, Subject};
use af_core::digest::Digest;
use af_core::merkle::{CompactRange, Path, consistency_path, inclusion_path, leaf_hash};
use af_core::receipt::{Consistency, Fault, Receipt};
use af_core::record::{RecordError, RecordHasher};
use postgres::{Client, Transaction};
use uuid::Uuid;

use super::columns::AUDIT_COLUMNS;
use super::verify::{self, doing, entry};
use crate::checkpoint::{Identity, Log, LogError, Signed};
use crate::connection::begin_snapshot;
use crate::copy::TupleReader;
use crate::relation::{ColumnType, Relation, tenants_condition};
use crate::watch::Watch;

/// What a tree is built of.
const HASH_COLUMNS: [ColumnType; 2] = [("seq", "bigint"), ("hash", "bytea")];
/// How many entries pass between two looks at whether to go on.
const STRIDE: u64 = 1024;

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

/// A chain as it is stored, all at one moment.
struct Chain<'c> {
    transaction: Transaction<'c>,
    relation: Relation,
    /// The condition on its tenant.
    condition: String,
    may_hide_rows: bool,
}

impl<'c> Chain<'c> {
    fn open(client: &'c mut Client, tenant_id: Uuid, origin: &Origin) -> Result<Self, ProveError> {
        let mut transaction = begin_snapshot(client).map_err(doing("begin a transaction"))?;
        let relation = Relation::find_with_columns(&mut transaction, "audits", &AUDIT_COLUMNS)
            .map_err(verify::Error::from)?;
        let identity =
            Identity::of(&mut transaction, &relation).map_err(doing("ask which ledger this is"))?;
        if !identity.is_of(origin) {
            let own = identity.origin(origin.subject, origin.incarnation).to_string();
            return Err(ProveError::Foreign { checkpoint: origin.to_string(), own });
        }
        let may_hide_rows =
            relation.may_hide_rows(&mut transaction).map_err(doing("ask for row-level security"))?;
        let condition = tenants_condition(&[tenant_id]).unwrap_or_default();
        Ok(Self { transaction, relation, condition, may_hide_rows })
    }

    /// Passes on the hashes of the first `size` entries, with their positions.
    fn leaves(
        &mut self,
        size: u64,
        watch: &mut dyn Watch,
        each: &mut dyn FnMut(u64, Digest),
    ) -> Result<(), ProveError> {
        watch.begin(Some(size));
        let may_be_hidden = self.may_hide_rows;
        let (table, condition) = (&self.relation.name, &self.condition);
        let statement = format!(
            "COPY (SELECT seq, hash FROM {table} WHERE {condition} AND seq BETWEEN 1 AND {size} ORDER BY seq) \
             TO STDOUT (FORMAT binary)"
        );
        let copy = self.transaction.copy_out(&statement).map_err(doing("read the hashes of entries"))?;
        let mut rows = TupleReader::new(copy, &HASH_COLUMNS);
        let mut count = 0;
        while let Some(row) = rows.next().map_err(verify::Error::from)? {
            let read = || Ok((row.int8(0)?, row.bytes(1)?));
            let (seq, hash) = read().map_err(verify::Error::Copy)?;
            count += 1;
            if seq.and_then(|seq| u64::try_from(seq).ok()) != Some(count) {
                return Err(ProveError::Missing { seq: count, size, may_be_hidden });
            }
            let hash = hash.and_then(Digest::from_slice).ok_or(ProveError::Unsealed(count))?;
            each(count, hash);
            if count % STRIDE == 0 {
                watch.advance(STRIDE);
                if watch.is_interrupted() {
                    return Err(verify::Error::Interrupted.into());
                }
            }
        }
        watch.advance(count % STRIDE);
        if count < size {
            return Err(ProveError::Missing { seq: count + 1, size, may_be_hidden });
        }
        Ok(())
    }

    /// The hash before an entry and its canonical record, which must give `hash`.
    fn entry(&mut self, seq: u64, size: u64, hash: Digest) -> Result<(Option<Digest>, String), ProveError> {
        let columns = AUDIT_COLUMNS.map(|(column, _)| column).join(", ");
        let (table, condition) = (&self.relation.name, &self.condition);
        let statement = format!(
            "COPY (SELECT {columns} FROM {table} WHERE {condition} AND seq = {seq}) TO STDOUT (FORMAT binary)"
        );
        let copy = self.transaction.copy_out(&statement).map_err(doing("read the entry"))?;
        let mut rows = TupleReader::new(copy, &AUDIT_COLUMNS);
        let row = rows.next().map_err(verify::Error::from)?;
        let missing = ProveError::Missing { seq, size, may_be_hidden: self.may_hide_rows };
        let row = row.ok_or(missing)?;
        let stored = entry(&row).map_err(verify::Error::from)?;
        let altered = |reason: String| ProveError::Altered { seq, reason };
        let record = stored.record.map_err(|error| altered(error.to_string()))?;
        let mut hasher = RecordHasher::default();
        let computed = hasher.hash(stored.prev_hash, &record).map_err(|reason| match reason {
            RecordError::UnknownVersion(_) => ProveError::Unknown { seq, reason },
            RecordError::Details(_) => altered(reason.to_string()),
        })?;
        if computed != hash {
            return Err(altered(format!("its content has the hash {computed}, and stored is {hash}")));
        }
        let prev_hash = match stored.prev_hash.map(Digest::from_slice) {
            Some(None) => return Err(altered("prev_hash is no SHA-256 value".to_owned())),
            prev_hash => prev_hash.flatten(),
        };
        let mut text = Vec::new();
        hasher.write(&record, &mut text).map_err(|reason| ProveError::Unknown { seq, reason })?;
        let text = String::from_utf8(text).map_err(|_| altered("it is not UTF-8".to_owned()))?;
        Ok((prev_hash, text))
    }

    fn close(self) -> Result<(), ProveError> {
        Ok(self.transaction.commit().map_err(doing("end the transaction"))?)
    }
}
