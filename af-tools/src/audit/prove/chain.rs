//! A chain as proofs are made of it.

use af_core::checkpoint::Origin;
use af_core::digest::Digest;
use af_core::record::{RecordError, RecordHasher};
use postgres::{Client, Transaction};
use uuid::Uuid;

use super::ProveError;
use crate::audit::columns::AUDIT_COLUMNS;
use crate::audit::verify::{self, doing, entry};
use crate::checkpoint::Identity;
use crate::connection::begin_snapshot;
use crate::copy::TupleReader;
use crate::relation::{ColumnType, Relation, tenants_condition};
use crate::watch::Watch;

/// What a tree is built of.
const HASH_COLUMNS: [ColumnType; 2] = [("seq", "bigint"), ("hash", "bytea")];
/// How many entries pass between two looks at whether to go on.
const STRIDE: u64 = 1024;

/// A chain as it is stored, all at one moment.
pub(super) struct Chain<'c> {
    transaction: Transaction<'c>,
    relation: Relation,
    /// The condition on its tenant.
    condition: String,
    pub(super) may_hide_rows: bool,
}

impl<'c> Chain<'c> {
    pub(super) fn open(client: &'c mut Client, tenant_id: Uuid, origin: &Origin) -> Result<Self, ProveError> {
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
    pub(super) fn leaves(
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
    pub(super) fn entry(
        &mut self,
        seq: u64,
        size: u64,
        hash: Digest,
    ) -> Result<(Option<Digest>, String), ProveError> {
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

    pub(super) fn close(self) -> Result<(), ProveError> {
        Ok(self.transaction.commit().map_err(doing("end the transaction"))?)
    }
}
