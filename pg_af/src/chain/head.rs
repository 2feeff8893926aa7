//! Where a chain ends, and the lock that keeps it so until the transaction does.

use af_core::digest::Digest;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{PgList, PgRelation};
use uuid::Uuid;

use crate::error::Error;
use crate::tuple::{Column, Columns, Values};

/// Tells chain locks from whatever else may use user locks in this database: "af".
const LOCK_CLASS: u16 = 0x6166;

/// `uuid_eq` in pg_proc.dat, the equality of the index on (tenant_id, seq).
const F_UUID_EQ: Oid = Oid::from_u32(2956);

/// The last entry of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: Digest,
}

/// Waits until no other transaction can add to the tenant's chain in this table, and keeps it so
/// until this one ends (or the savepoint in which it was first taken is rolled back, and the rows
/// inserted under it are gone).
///
/// The lock is a heavyweight one, so that deadlocks are found, PREPARE TRANSACTION carries it over,
/// and pg_locks shows it (locktype `userlock`). It is in the default lock method and not in that of
/// advisory locks, where no SQL function can release it. Taking it again costs a look-up in the
/// backend's own table.
pub(super) fn lock(relation: &PgRelation, tenant: Uuid) {
    let key = fold(relation.oid(), tenant);
    let tag = pg_sys::LOCKTAG {
        // SAFETY: a global that is set before any statement runs and never changes.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: (key >> 32) as u32,
        locktag_field3: key as u32,
        locktag_field4: LOCK_CLASS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_USERLOCK as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    // SAFETY: the tag is complete and only read; a transaction-level lock (no session lock) belongs
    // to the current resource owner, which releases it on every way out.
    unsafe {
        pg_sys::LockAcquire(&tag, pg_sys::ExclusiveLock as i32, false, false);
    }
}

/// 64 bits of (table, tenant). A collision makes two chains wait for each other, nothing worse.
fn fold(relation: Oid, tenant: Uuid) -> u64 {
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input counts.
    let mix = |mut word: u64| {
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    let (high, low) = tenant.as_u64_pair();
    mix(mix(high ^ u64::from(relation.to_u32())) ^ low)
}

/// The unique index on (tenant_id, seq) of `relation`.
pub(super) fn find_index(relation: &PgRelation, columns: &Columns) -> Result<Oid, Error> {
    // SAFETY: the relation is open; the list is ours, allocated in the current memory context.
    let indexes = unsafe { PgList::<Oid>::from_pg(pg_sys::RelationGetIndexList(relation.as_ptr())) };
    let keys = [columns.attribute_number(Column::TenantId), columns.attribute_number(Column::Seq)];
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

/// The last entry of the tenant's chain as it is now; `None` for a chain without entries.
///
/// Reads with SnapshotSelf: everything committed, whatever the transaction's own snapshot (which is
/// stale in REPEATABLE READ once the lock was waited for), and this transaction's own rows, those of
/// the running statement among them. Under the chain's lock nobody else can have unfinished rows.
///
/// # Safety
/// `tenant` is a datum of type uuid, `index` is what [`find_index`] returned for the relation and
/// its columns, and `values` has room for a row of it.
pub(super) unsafe fn read(
    relation: &PgRelation,
    index: Oid,
    columns: &Columns,
    tenant: Datum,
    values: &mut Values,
) -> Result<Option<Head>, Error> {
    // SAFETY: the index exists and belongs to the relation, on which the statement holds a lock.
    // The scan is ended before the index is closed; on an error the resource owner does both. The
    // key is initialised by ScanKeyInit, with the attribute number of the table, which
    // systable_beginscan_ordered translates into that of the index. The tuple is valid until the
    // scan ends, and what is taken from it is copied before.
    unsafe {
        let index = PgRelation::with_lock(index, pg_sys::AccessShareLock as i32);
        let mut key = pg_sys::ScanKeyData::default();
        let attribute = columns.attribute_number(Column::TenantId);
        pg_sys::ScanKeyInit(&mut key, attribute, pg_sys::BTEqualStrategyNumber as u16, F_UUID_EQ, tenant);
        let snapshot = &raw mut pg_sys::SnapshotSelfData;
        let scan =
            pg_sys::systable_beginscan_ordered(relation.as_ptr(), index.as_ptr(), snapshot, 1, &mut key);
        let backward = pg_sys::ScanDirection::BackwardScanDirection;
        let tuple = pg_sys::systable_getnext_ordered(scan, backward);
        let head = if tuple.is_null() {
            Ok(None)
        } else {
            values.deform(tuple, relation.rd_att);
            let row = values.row(columns);
            let seq = row.int8(Column::Seq).unwrap_or_default();
            match row.bytes(Column::Hash).and_then(Digest::from_slice) {
                Some(hash) => Ok(Some(Head { seq, hash })),
                None => {
                    Err(Error::UnsealedHead { tenant: row.uuid(Column::TenantId).unwrap_or_default(), seq })
                }
            }
        };
        pg_sys::systable_endscan_ordered(scan);
        head
    }
}
