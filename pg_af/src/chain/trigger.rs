//! The trigger `af_audit_chain()`: takes a row, finds its place, seals it, hands it back.

use std::collections::HashMap;

use af_core::chain::Unreadable;
use af_core::digest::Digest;
use af_core::record::{CURRENT_VERSION, RecordHasher};
use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgRelation, pg_guard};
use uuid::Uuid;

use super::{head, held};
use crate::access;
use crate::error::{Error, Table, WrongLink};
use crate::fmgr::function_info;
use crate::table_cache::TableCache;
use crate::trigger::TriggerCall;
use crate::tuple;
use crate::tuple::audit::AuditColumn;
use crate::tuple::{Column, Columns, Row, Values};

function_info!(pg_finfo_af_audit_chain);

/// `af_audit_chain()`: BEFORE INSERT FOR EACH ROW.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_audit_chain(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: fcinfo comes from the function manager, and the call ends within this one.
    match unsafe { TriggerCall::new(fcinfo, "af_audit_chain()") }.and_then(|call| chain(&call)) {
        Ok(tuple) => Datum::from(tuple),
        Err(error) => error.raise(),
    }
}

fn chain(call: &TriggerCall) -> Result<pg_sys::HeapTuple, Error> {
    call.require_before_insert("af_audit_chain()")?;
    let relation = call.relation();
    TableCache::with(&TABLES, &relation, Prepared::new, |prepared| prepared.chain(call, &relation))
}

thread_local! {
    static TABLES: TableCache<Prepared> = const { TableCache::new() };
}

/// What stays the same for all rows of a table, and room to work on one.
struct Prepared {
    columns: Columns<AuditColumn>,
    index: pg_sys::Oid,
    new: Values,
    last: Values,
    hasher: RecordHasher,
    /// Where chains ended when this session last looked.
    ends: HashMap<Uuid, i64>,
}

impl Prepared {
    fn new(relation: &PgRelation) -> Result<Self, Error> {
        let columns = Columns::of(relation)?;
        let index = head::find_index(relation, &columns)?;
        let width = relation.tuple_desc().len();
        let (new, last) = (Values::with_width(width), Values::with_width(width));
        Ok(Self { columns, index, new, last, hasher: RecordHasher::default(), ends: HashMap::new() })
    }

    /// Gives the row its place.
    fn chain(&mut self, call: &TriggerCall, relation: &PgRelation) -> Result<pg_sys::HeapTuple, Error> {
        let Self { columns, index, new, last, hasher, ends } = self;
        // SAFETY: the new tuple is a row of the relation, for whose width the values have room. It and
        // the current memory context, the executor's for one row, outlive this call.
        let row = unsafe {
            new.deform(call.new_tuple(), relation.rd_att);
            new.row(columns)
        };
        let given = Given::of(row, relation)?;
        let tenant = row
            .uuid(AuditColumn::TenantId)
            .ok_or_else(|| null_column(relation, AuditColumn::TenantId.name()))?;
        let tenant_datum = row.datum(AuditColumn::TenantId).unwrap_or(Datum::null());
        let ts_is_null = row.datum(AuditColumn::Ts).is_none();
        // SAFETY: the datum is the row's tenant_id, which is a uuid and not null; the index was found
        // for this relation and these columns, and `last` has room for its rows.
        let head = unsafe {
            let known = ends.get(&tenant).copied();
            head::lock_and_read(relation, *index, columns, (tenant, tenant_datum), known, last)
        }?;
        note_end(ends, tenant, head);
        let seq = head.map_or(Ok(1), |head| head.seq.checked_add(1).ok_or(Error::ChainFull { tenant }))?;
        let prev_hash = head.map(|head| head.hash);

        // The values are completed first and hashed as they then stand, so that what is hashed is
        // what is stored.
        if given.is_none() {
            new.set(columns.position(AuditColumn::Seq), seq.into_datum());
            new.set(columns.position(AuditColumn::HashVersion), CURRENT_VERSION.into_datum());
            if ts_is_null {
                // SAFETY: reads the clock.
                let now = unsafe { pg_sys::GetCurrentTimestamp() };
                new.set(columns.position(AuditColumn::Ts), now.into_datum());
            }
        }
        // SAFETY: as above.
        let record = unsafe { new.row(columns) }.record().map_err(|error| match error {
            Unreadable::NullColumn(column) => null_column(relation, column),
            Unreadable::Timestamp(error) => Error::Timestamp { table: Table::Audits, error },
        })?;
        let link = prev_hash.as_ref().map(|hash| &hash.as_bytes()[..]);

        let hash = hasher.hash(link, &record).map_err(Error::Record)?;
        tuple::require_writable(hasher.text_length(), Table::Audits)?;
        held::remember((relation.oid(), tenant), seq);

        if let Some(given) = given {
            return match given.difference(seq, prev_hash, hash) {
                None => Ok(call.new_tuple()),
                Some(wrong) => Err(Error::WrongLink(access::sees_all_rows(relation)?.then_some(wrong))),
            };
        }
        new.set(columns.position(AuditColumn::PrevHash), link.and_then(IntoDatum::into_datum));
        new.set(columns.position(AuditColumn::Hash), hash.as_bytes()[..].into_datum());
        Ok(rebuild(call.new_tuple(), relation, new))
    }
}

/// Remembers where a tenant's chain ends. It need not be true later: it only says where to look first.
fn note_end(ends: &mut HashMap<Uuid, i64>, tenant: Uuid, head: Option<head::Head>) {
    /// What is kept of so many chains takes some 100 kB.
    const MOST: usize = 2048;
    if ends.len() == MOST {
        ends.clear();
    }
    match head {
        Some(head) => ends.insert(tenant, head.seq),
        None => ends.remove(&tenant),
    };
}

/// The tuple with the new values and the identity of the old one, as heap_modify_tuple makes it.
fn rebuild(old: pg_sys::HeapTuple, relation: &PgRelation, values: &mut Values) -> pg_sys::HeapTuple {
    // SAFETY: the values are the old tuple's, some of them replaced by values of the same types;
    // both tuples are valid.
    unsafe {
        let tuple = values.form(relation.rd_att);
        (*(*tuple).t_data).t_ctid = (*(*old).t_data).t_ctid;
        (*tuple).t_self = (*old).t_self;
        (*tuple).t_tableOid = (*old).t_tableOid;
        tuple
    }
}

/// The place that an already chained row (of a restore, or of replication) says it has.
struct Given {
    seq: i64,
    prev_hash: Option<Digest>,
    hash: Digest,
}

impl Given {
    /// `None` for a row that is to be chained; an error for one that is neither.
    fn of(row: Row<'_, AuditColumn>, relation: &PgRelation) -> Result<Option<Self>, Error> {
        let seq = row.int8(AuditColumn::Seq);
        let prev_hash = row.bytes(AuditColumn::PrevHash);
        let hash = row.bytes(AuditColumn::Hash);
        let version = row.int2(AuditColumn::HashVersion);
        match (seq, prev_hash, hash) {
            (None, None, None) => match version {
                None | Some(CURRENT_VERSION) => Ok(None),
                Some(version) => Err(Error::NotCurrentVersion(version)),
            },
            (Some(seq), prev_hash, Some(hash)) if prev_hash.is_some() || seq == 1 => {
                if version.is_none() {
                    return Err(null_column(relation, AuditColumn::HashVersion.name()));
                }
                let prev_hash = prev_hash.map(|prev| digest(AuditColumn::PrevHash, prev)).transpose()?;
                Ok(Some(Self { seq, prev_hash, hash: digest(AuditColumn::Hash, hash)? }))
            }
            _ => Err(Error::PartlyChained),
        }
    }

    /// In what the row differs from the link that would be next.
    fn difference(&self, next: i64, head: Option<Digest>, computed: Digest) -> Option<WrongLink> {
        let Self { seq, prev_hash, hash } = *self;
        if seq != next {
            Some(WrongLink::Position { given: seq, next })
        } else if prev_hash != head {
            Some(WrongLink::Previous { seq, given: prev_hash, head })
        } else if hash != computed {
            Some(WrongLink::Hash { seq, given: hash, computed })
        } else {
            None
        }
    }
}

fn digest(column: AuditColumn, bytes: &[u8]) -> Result<Digest, Error> {
    Digest::from_slice(bytes).ok_or(Error::MalformedHash { column: column.name(), length: bytes.len() })
}

fn null_column(relation: &PgRelation, column: &'static str) -> Error {
    Error::NullColumn { relation: relation.name().into(), table: Table::Audits, column }
}
