//! The aggregate `af_audit_tally()`, and the query with it over whole chains: in any order, by parallel workers where
//! PostgreSQL finds them worth it.

use af_core::tally::{Count, Key, Tallied, Tallies};
use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgMemoryContexts, Spi, pg_guard};

use super::target::Target;
use crate::error::Error;
use crate::fmgr::function_info;
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

/// Adds up the chains of `target`, in the order of tenants; `None` if they are too many for that.
pub(super) fn chains(target: &Target, schema: &str) -> Result<Option<Vec<Tallied>>, Error> {
    let secret = random_bytes()?;
    let query =
        format!("SELECT {schema}.af_audit_tally($1, {}) FROM {}", AuditColumn::list(), target.quoted_name());
    let tallies: Result<_, pgrx::spi::Error> = Spi::connect(|client| {
        let table = client.select(query.as_str(), None, &[secret.to_vec().into()])?.first();
        // Of no rows there is none.
        Ok(table.get::<&[u8]>(1)?.map_or_else(|| Some(Tallies::default()), Tallies::from_bytes))
    });
    let tallies = tallies.map_err(Error::Spi)?.ok_or(Error::NotATally)?;
    Ok(tallies.chains(&Key::new(&secret)))
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
    // are states of this one, and not the same.
    unsafe {
        let context = aggregate_memory(fcinfo);
        let (one, other) = (State::of(fcinfo, 0), State::of(fcinfo, 1));
        let sum = one.unwrap_or_else(|| State::new(context));
        if let Some(other) = other {
            sum.tallies().merge(other.tallies());
        }
        sum.datum()
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
    let bytes = unsafe {
        aggregate_memory(fcinfo);
        State::of(fcinfo, 0).map_or_else(|| Tallies::default().to_bytes(), |state| state.tallies().to_bytes())
    };
    bytes.into_datum().unwrap_or(Datum::null())
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
        match Tallies::from_bytes(bytes) {
            Some(tallies) => {
                let state = State::new(pg_sys::CurrentMemoryContext);
                state.summed = tallies;
                state.datum()
            }
            None => Error::NotATally.raise(),
        }
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
        let state = State::of(fcinfo, 0).unwrap_or_else(|| State::new(aggregate_memory(fcinfo)));
        let Counting { count, columns, values } = match &mut state.counting {
            Some(counting) => counting,
            none => none.insert(Counting::new(key(fcinfo)?)),
        };
        for position in 0..AuditColumn::ALL.len() {
            values.set(position, argument(fcinfo, position + 2));
        }
        prefetch::row_before(address(fcinfo, 2)..address(fcinfo, AuditColumn::ALL.len() + 1));
        count.add(&values.row(columns).entry());
        Ok(state.datum())
    }
}

/// The key in a call of `af_audit_tally_add`.
///
/// # Safety
/// `fcinfo` is that of one.
unsafe fn key(fcinfo: pg_sys::FunctionCallInfo) -> Result<Key, Error> {
    // SAFETY: the argument is declared as a bytea.
    let secret = unsafe { argument(fcinfo, 1).and_then(|key| varlena_bytes(key).first_chunk().copied()) };
    secret.as_ref().map(Key::new).ok_or(Error::NoTallyKey)
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

/// The aggregate's state.
#[derive(Default)]
struct State {
    /// What entries are being added to.
    counting: Option<Counting>,
    /// What the others come to.
    summed: Tallies,
}

/// A count that goes on, and room to take an entry apart.
struct Counting {
    count: Count,
    columns: Columns<AuditColumn>,
    values: Values,
}

impl Counting {
    fn new(key: Key) -> Self {
        let values = Values::with_width(AuditColumn::ALL.len());
        Self { count: Count::new(key), columns: Columns::in_order(), values }
    }
}

impl State {
    /// The state in an argument, unless it is null.
    ///
    /// # Safety
    /// The argument is null, or the datum of a state, to which there is no other reference for `'call`.
    unsafe fn of<'call>(fcinfo: pg_sys::FunctionCallInfo, position: usize) -> Option<&'call mut Self> {
        // SAFETY: as the caller promises.
        unsafe { argument(fcinfo, position).map(|datum| &mut *datum.cast_mut_ptr()) }
    }

    /// An empty one, which lives as long as `context`.
    ///
    /// # Safety
    /// `context` is a memory context that outlives `'call`.
    unsafe fn new<'call>(context: pg_sys::MemoryContext) -> &'call mut Self {
        // SAFETY: as the caller promises; the reference is the only one.
        unsafe { &mut *PgMemoryContexts::For(context).leak_and_drop_on_delete(Self::default()) }
    }

    /// What all that was added comes to.
    fn tallies(&mut self) -> &mut Tallies {
        if let Some(counting) = self.counting.take() {
            self.summed.merge(&counting.count.finish());
        }
        &mut self.summed
    }

    fn datum(&mut self) -> Datum {
        Datum::from(std::ptr::from_mut(self))
    }
}
