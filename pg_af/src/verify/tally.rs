//! The aggregate `af_audit_tally()`, and the query with it over whole chains: in any order, by parallel workers where
//! PostgreSQL finds them worth it.

use af_core::chain::ChainReport;
use af_core::record::RecordHasher;
use af_core::tally::{Key, Tally};
use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, Spi, Uuid, pg_guard};

use super::target::Target;
use crate::convert::uuid_from_sql;
use crate::error::Error;
use crate::fmgr::{function_info, kept};
use crate::prefetch;
use crate::tuple::audit::AuditColumn;
use crate::tuple::{Column, Columns, Values, varlena_bytes};

/// Whether the entries of `target` are better read in any order: its table is as large as one that PostgreSQL would
/// read in parallel, and the user may use the aggregate in `schema`.
pub(super) fn is_worthwhile(target: &Target, schema: &str) -> Result<bool, Error> {
    const QUERY: &str = include_str!("../../sql/is_large.sql");
    let answer = Spi::connect(|client| {
        let arguments = [target.oid().into(), schema.into()];
        client.select(QUERY, Some(1), &arguments)?.first().get_one()
    });
    Ok(answer.map_err(Error::Spi)?.unwrap_or(false))
}

/// What a chain's entries come to.
pub(super) struct Tallied {
    pub(super) tenant: Option<Uuid>,
    /// The report on it, if it is intact.
    pub(super) intact: Option<ChainReport>,
}

/// Adds up the chains of `target`, in the order of tenants.
pub(super) fn chains(target: &Target, schema: &str) -> Result<Vec<Tallied>, Error> {
    let secret = random_bytes()?;
    let key = Key::new(&secret);
    let query = format!(
        "SELECT tenant_id, {schema}.af_audit_tally($1, {}) FROM {} GROUP BY tenant_id ORDER BY tenant_id",
        AuditColumn::list(),
        target.quoted_name(),
    );
    let chains: Result<_, pgrx::spi::Error> = Spi::connect(|client| {
        client
            .select(query.as_str(), None, &[secret.to_vec().into()])?
            .map(|row| {
                let tenant: Option<Uuid> = row.get(1)?;
                let tally = row.get::<&[u8]>(2)?.and_then(Tally::from_bytes);
                let report = |(tenant, tally): (_, Tally)| tally.report(uuid_from_sql(tenant), &key);
                Ok(Tallied { tenant, intact: tenant.zip(tally).and_then(report) })
            })
            .collect()
    });
    chains.map_err(Error::Spi)
}

/// Bytes that nobody can have foreseen.
fn random_bytes() -> Result<[u8; 16], Error> {
    let mut bytes = [0_u8; 16];
    // SAFETY: writes as many bytes as there are.
    let is_random = unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    is_random.then_some(bytes).ok_or(Error::NoRandomness)
}

function_info!(pg_finfo_af_audit_tally_add);
function_info!(pg_finfo_af_audit_tally_merge);
function_info!(pg_finfo_af_audit_tally_write);
function_info!(pg_finfo_af_audit_tally_read);

/// Adds an entry to a state: (state, key, the columns of an entry in their order) → state.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_audit_tally_add(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: fcinfo comes from the function manager.
    match unsafe { add(fcinfo) } {
        Ok(state) => state,
        Err(error) => error.raise(),
    }
}

/// Adds one state to another: (state, state) → state.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_audit_tally_merge(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: fcinfo comes from the function manager, with two arguments of type internal, which within an aggregate
    // are states of this one.
    unsafe {
        let context = aggregate_memory(fcinfo);
        let (one, other) = (State::of(fcinfo, 0), State::of(fcinfo, 1));
        let mut sum = one.as_ref().map_or_else(Tally::default, State::get);
        if let Some(other) = other {
            sum.merge(&other.get());
        }
        one.unwrap_or_else(|| State::new(context)).set(sum)
    }
}

/// The bytes of a state: state → bytea.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_audit_tally_write(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: as for af_audit_tally_merge.
    let tally = unsafe {
        aggregate_memory(fcinfo);
        State::of(fcinfo, 0).map_or_else(Tally::default, |state| state.get())
    };
    tally.to_bytes()[..].into_datum().unwrap_or(Datum::null())
}

/// A state from its bytes: (bytea, internal) → state.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_audit_tally_read(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: fcinfo comes from the function manager, with a bytea that is not null since the function is strict. The
    // state need live no longer than the current memory context, as another is merged with it next.
    unsafe {
        aggregate_memory(fcinfo);
        let bytes = varlena_bytes(argument(fcinfo, 0).unwrap_or(Datum::null()));
        match Tally::from_bytes(bytes) {
            Some(tally) => State::new(pg_sys::CurrentMemoryContext).set(tally),
            None => Error::NotATally.raise(),
        }
    }
}

/// What stays the same for all rows of a statement.
struct Scratch {
    columns: Columns<AuditColumn>,
    values: Values,
    hasher: RecordHasher,
}

impl Scratch {
    fn new() -> Self {
        let values = Values::with_width(AuditColumn::ALL.len());
        Self { columns: Columns::in_order(), values, hasher: RecordHasher::default() }
    }
}

/// # Safety
/// `fcinfo` is that of a call of `af_audit_tally_add`, declared in `sql/tally.sql`.
unsafe fn add(fcinfo: pg_sys::FunctionCallInfo) -> Result<Datum, Error> {
    // SAFETY: the arguments have the declared types: the key is a bytea, and the entry's follow in the order of
    // AuditColumn::ALL, of the types that Columns::of would demand. What they point to, and the current memory context
    // (the executor's for one row), outlive the call. A first argument that is not null is a state: nothing outside of an
    // aggregate can give a value of type internal.
    unsafe {
        let Ok(Scratch { columns, values, hasher }) =
            kept((*fcinfo).flinfo, |_| true, || Ok::<_, std::convert::Infallible>(Scratch::new()));
        let secret = argument(fcinfo, 1).and_then(|key| varlena_bytes(key).first_chunk().copied());
        let key = Key::new(&secret.ok_or(Error::NoTallyKey)?);
        for position in 0..AuditColumn::ALL.len() {
            values.set(position, argument(fcinfo, position + 2));
        }
        prefetch::row_before(address(fcinfo, 2)..address(fcinfo, AuditColumn::ALL.len() + 1));
        let state = State::of(fcinfo, 0).unwrap_or_else(|| State::new(aggregate_memory(fcinfo)));
        let mut tally = state.get();
        tally.add(&values.row(columns).entry(), &key, hasher);
        Ok(state.set(tally))
    }
}

/// The memory that the running aggregate's states live in. Fails if there is none: then a first argument of type internal
/// need not be a state.
///
/// # Safety
/// `fcinfo` is that of a call.
unsafe fn aggregate_memory(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::MemoryContext {
    let mut context = std::ptr::null_mut();
    // SAFETY: as the caller promises.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } == 0 {
        Error::NotInAggregate.raise()
    }
    context
}

/// An argument of a call, unless it is null.
///
/// # Safety
/// `fcinfo` is that of a call with more than `position` arguments.
unsafe fn argument(fcinfo: pg_sys::FunctionCallInfo, position: usize) -> Option<Datum> {
    // SAFETY: as the caller promises, there are that many.
    let argument = unsafe { &*(*fcinfo).args.as_ptr().add(position) };
    (!argument.isnull).then_some(argument.value)
}

/// What an argument of a call points to; of those that are values, anything.
///
/// # Safety
/// `fcinfo` is that of a call with more than `position` arguments.
unsafe fn address(fcinfo: pg_sys::FunctionCallInfo, position: usize) -> *const u8 {
    // SAFETY: as the caller promises.
    unsafe { argument(fcinfo, position) }.map_or(std::ptr::null(), |datum| datum.cast_mut_ptr())
}

/// A [`Tally`] in PostgreSQL's memory, which is less aligned than Rust wants it.
struct State(*mut Tally);

impl State {
    /// The state in an argument, unless it is null.
    ///
    /// # Safety
    /// The argument is null, or the datum of a state.
    unsafe fn of(fcinfo: pg_sys::FunctionCallInfo, position: usize) -> Option<Self> {
        // SAFETY: as the caller promises.
        unsafe { argument(fcinfo, position) }.map(|datum| Self(datum.cast_mut_ptr()))
    }

    /// An empty one.
    ///
    /// # Safety
    /// `context` is a memory context.
    unsafe fn new(context: pg_sys::MemoryContext) -> Self {
        // SAFETY: as the caller promises.
        let state = Self(unsafe { pg_sys::MemoryContextAlloc(context, size_of::<Tally>()) }.cast());
        state.set(Tally::default());
        state
    }

    fn get(&self) -> Tally {
        // SAFETY: the memory is a state's (`of`, `new`), which `set` has filled.
        unsafe { self.0.read_unaligned() }
    }

    /// Puts another value in its place; gives its datum.
    fn set(&self, tally: Tally) -> Datum {
        // SAFETY: the memory is a state's (`of`, `new`).
        unsafe { self.0.write_unaligned(tally) };
        Datum::from(self.0)
    }
}
