//! The trigger `af_envelope_check()`: takes a message, hashes its envelope, and hands it back if the hash is the given one.

use af_core::chain::Unreadable;
use af_core::envelope::{EnvelopeHasher, MESSAGE_TYPES, parse_hash};
use pgrx::pg_sys::{self, Datum};
use pgrx::{PgRelation, pg_guard};

use crate::error::{Error, Table};
use crate::fmgr::function_info;
use crate::table_cache::TableCache;
use crate::trigger::TriggerCall;
use crate::tuple::message::MessageColumn;
use crate::tuple::{self, Columns, Values};

function_info!(pg_finfo_af_envelope_check);

/// `af_envelope_check()`: BEFORE INSERT FOR EACH ROW.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_envelope_check(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: fcinfo comes from the function manager, and the call ends within this one.
    match unsafe { TriggerCall::new(fcinfo, "af_envelope_check()") }.and_then(|call| check(&call)) {
        Ok(tuple) => Datum::from(tuple),
        Err(error) => error.raise(),
    }
}

fn check(call: &TriggerCall) -> Result<pg_sys::HeapTuple, Error> {
    call.require_before_insert("af_envelope_check()")?;
    let relation = call.relation();
    TableCache::with(&TABLES, &relation, Prepared::new, |prepared| prepared.check(call, &relation))
}
thread_local! {
    static TABLES: TableCache<Prepared> = const { TableCache::new() };
}

/// What stays the same for all rows of a table.
struct Prepared {
    columns: Columns<MessageColumn>,
    new: Values,
    hasher: EnvelopeHasher,
}

impl Prepared {
    fn new(relation: &PgRelation) -> Result<Self, Error> {
        let columns = Columns::of(relation)?;
        let new = Values::with_width(relation.tuple_desc().len());
        Ok(Self { columns, new, hasher: EnvelopeHasher::default() })
    }

    /// Lets the row in, or not.
    fn check(&mut self, call: &TriggerCall, relation: &PgRelation) -> Result<pg_sys::HeapTuple, Error> {
        let Self { columns, new, hasher } = self;
        // SAFETY: the new tuple is a row of the relation, for whose width the values have room. It and
        // the current memory context, the executor's for one row, outlive this call.
        let row = unsafe {
            new.deform(call.new_tuple(), relation.rd_att);
            new.row(columns)
        };
        let envelope = row.envelope().map_err(|error| match error {
            Unreadable::NullColumn(column) => {
                Error::NullColumn { relation: relation.name().into(), table: Table::Messages, column }
            }
            Unreadable::Timestamp(error) => Error::Timestamp { table: Table::Messages, error },
        })?;
        // The table has a constraint for this too, but that would show the row.
        if MESSAGE_TYPES.iter().all(|known| known.as_bytes() != envelope.message_type) {
            return Err(Error::UnknownMessageType);
        }
        let computed = hasher.hash(&envelope).map_err(Error::Envelope)?;
        tuple::require_writable(hasher.text_length(), Table::Messages)?;
        let given = row.bytes(MessageColumn::EnvelopeHash).ok_or(Error::NoEnvelopeHash { computed })?;
        let given = parse_hash(given).map_err(|error| Error::MalformedEnvelopeHash { error, computed })?;
        if given != computed {
            return Err(Error::WrongEnvelopeHash { given, computed });
        }
        Ok(call.new_tuple())
    }
}
