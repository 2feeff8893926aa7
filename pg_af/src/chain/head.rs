//! Where a chain ends.

use af_core::digest::Digest;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{PgList, PgRelation};
use uuid::Uuid;

use super::held;
use crate::error::Error;
use crate::tuple::audit::AuditColumn;
use crate::tuple::{Columns, Row, Values};

/// `uuid_eq`, `int8ge` and `int8le` in pg_proc.dat: what the index on (tenant_id, seq) is searched by.
const F_UUID_EQ: Oid = Oid::from_u32(2956);
const F_INT8GE: Oid = Oid::from_u32(472);
const F_INT8LE: Oid = Oid::from_u32(471);

/// The last entry of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: Digest,
}

/// The unique index on (tenant_id, seq) of `relation`.
pub(super) fn find_index(relation: &PgRelation, columns: &Columns<AuditColumn>) -> Result<Oid, Error> {
    // SAFETY: the relation is open; the list is ours, allocated in the current memory context.
    let indexes = unsafe { PgList::<Oid>::from_pg(pg_sys::RelationGetIndexList(relation.as_ptr())) };
    let keys = [columns.attribute_number(AuditColumn::TenantId), columns.attribute_number(AuditColumn::Seq)];
    let found = (0..indexes.len()).filter_map(|position| indexes.get_oid(position)).find_map(|oid| {
        // SAFETY: the index belongs to a table that this statement holds a lock on.
        let index = unsafe { PgRelation::with_lock(oid, pg_sys::AccessShareLock as i32) };
        is_chain_index(&index, keys).then(|| (oid, is_partition(&index)))
    });
    let name = || relation.name().to_owned();
    let (index, is_inherited) = found.ok_or_else(|| Error::NoChainIndex { relation: name() })?;
    // A partition holds whole chains only if the index that keeps (tenant_id, seq) unique is the
    // whole table's: PostgreSQL demands the partition key to be part of such an index.
    if is_partition(relation) && !is_inherited {
        return Err(Error::SplitChain { relation: name() });
    }
    Ok(index)
}

/// Whether an index is unique, checked at once, complete, ascending, and on exactly these columns.
fn is_chain_index(index: &PgRelation, keys: [pg_sys::AttrNumber; 2]) -> bool {
    const DESCENDING: i16 = pg_sys::INDOPTION_DESC as i16;
    // SAFETY: rd_index and rd_indoption of an open index are valid; both are int2 arrays with
    // one element a key column, and the first condition makes sure that there are two.
    unsafe {
        let form = &*index.rd_index;
        form.indnkeyatts == 2
            && form.indisunique
            && form.indisvalid
            && form.indimmediate
            && form.indkey.values.as_slice(2) == keys
            && (0..2).all(|key| *index.rd_indoption.add(key) & DESCENDING == 0)
            && pg_sys::RelationGetIndexPredicate(index.as_ptr()).is_null()
    }
}

fn is_partition(relation: &PgRelation) -> bool {
    // SAFETY: rd_rel of an open relation is valid.
    unsafe { (*relation.rd_rel).relispartition }
}

/// Locks the tenant's chain and returns its last entry; `None` for a chain without entries.
///
/// The end is looked for where this transaction last added to the chain, if it has held the lock since:
/// then nobody else has, and the chain, which has no gaps, ends there or nearby. Otherwise (and where
/// a savepoint's rows are gone again) it is the last entry of the index. The shortcut keeps the
/// search from reading a whole index page each time, and from wading through the dead entries that
/// a rolled back bulk insert leaves behind the end until vacuum comes, for every row of the next one.
///
/// `known` is a position at which an entry once was, if one is known: if there is any from there on, the last of them is the
/// chain's, and PostgreSQL, which takes all that fit from a page of the index, has less to take.
///
/// # Safety
/// `tenant` is a datum of type uuid, `index` is what [`find_index`] returned for the relation and
/// its columns, and `values` has room for a row of it.
pub(super) unsafe fn lock_and_read(
    relation: &PgRelation,
    index: Oid,
    columns: &Columns<AuditColumn>,
    tenant: (Uuid, Datum),
    known: Option<i64>,
    values: &mut Values,
) -> Result<Option<Head>, Error> {
    let (tenant, datum) = tenant;
    let given = held::acquire((relation.oid(), tenant));
    // SAFETY: the index exists and belongs to the relation, on which the statement holds a lock.
    let index = unsafe { PgRelation::with_lock(index, pg_sys::AccessShareLock as i32) };
    let mut search = Search { relation, index: &index, columns, tenant: datum, values };
    if let Some(mut given) = given {
        // SAFETY: as the caller promises, here and below.
        while let Some(head) = unsafe { search.last(Some(given - 1), Some(given.saturating_add(1))) }? {
            // An entry above the one that was given comes from a statement within this one.
            if head.seq <= given {
                return Ok(Some(head));
            }
            given = head.seq;
        }
    }
    if known.is_some()
        // SAFETY: as the caller promises.
        && let Some(head) = unsafe { search.last(known, None) }?
    {
        return Ok(Some(head));
    }
    // SAFETY: as the caller promises.
    unsafe { search.last(None, None) }
}

/// A look into the index for the last entry of a chain.
struct Search<'a> {
    relation: &'a PgRelation,
    index: &'a PgRelation,
    columns: &'a Columns<AuditColumn>,
    tenant: Datum,
    values: &'a mut Values,
}

impl Search<'_> {
    /// The last entry, or the last in a range of positions, from one and up to another.
    ///
    /// Reads with SnapshotSelf: everything committed, whatever the transaction's own snapshot (which
    /// is stale in REPEATABLE READ once the lock was waited for), and this transaction's own rows,
    /// those of the running statement among them. Under the chain's lock nobody else can have
    /// unfinished rows.
    ///
    /// # Safety
    /// The fields are as [`lock_and_read`] demands.
    unsafe fn last(&mut self, from: Option<i64>, to: Option<i64>) -> Result<Option<Head>, Error> {
        let tenant_id = self.columns.attribute_number(AuditColumn::TenantId);
        let seq = self.columns.attribute_number(AuditColumn::Seq);
        let mut keys = [pg_sys::ScanKeyData::default(); 3];
        let mut count = 0;
        let mut require = |attribute, strategy: u32, procedure, argument| {
            // SAFETY: initialises a key with the attribute number of the table, which the scan
            // translates into that of the index, and an argument of the procedure's type.
            unsafe { pg_sys::ScanKeyInit(&mut keys[count], attribute, strategy as u16, procedure, argument) };
            count += 1;
        };
        require(tenant_id, pg_sys::BTEqualStrategyNumber, F_UUID_EQ, self.tenant);
        if let Some(from) = from {
            require(seq, pg_sys::BTGreaterEqualStrategyNumber, F_INT8GE, Datum::from(from));
        }
        if let Some(to) = to {
            require(seq, pg_sys::BTLessEqualStrategyNumber, F_INT8LE, Datum::from(to));
        }
        // SAFETY: both relations are open, `count` keys are initialised. The scan is ended before
        // the index is closed; on an error the resource owner does both. The tuple is valid until
        // the scan ends, and what is taken from it is copied before.
        unsafe {
            let snapshot = &raw mut pg_sys::SnapshotSelfData;
            let (heap, index) = (self.relation.as_ptr(), self.index.as_ptr());
            let scan =
                pg_sys::systable_beginscan_ordered(heap, index, snapshot, count as i32, keys.as_mut_ptr());
            let backward = pg_sys::ScanDirection::BackwardScanDirection;
            let tuple = pg_sys::systable_getnext_ordered(scan, backward);
            let head = if tuple.is_null() {
                Ok(None)
            } else {
                self.values.deform(tuple, self.relation.rd_att);
                head_of(self.values.row(self.columns)).map(Some)
            };
            pg_sys::systable_endscan_ordered(scan);
            head
        }
    }
}

fn head_of(row: Row<'_, AuditColumn>) -> Result<Head, Error> {
    let seq = row.int8(AuditColumn::Seq).unwrap_or_default();
    match row.bytes(AuditColumn::Hash).and_then(Digest::from_slice) {
        Some(hash) => Ok(Head { seq, hash }),
        None => Err(Error::UnsealedHead { tenant: row.uuid(AuditColumn::TenantId).unwrap_or_default(), seq }),
    }
}
