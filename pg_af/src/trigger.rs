//! What the trigger functions share: the call as PostgreSQL makes it, checked.

use pgrx::pg_sys;
use pgrx::{PgMemoryContexts, PgRelation, is_a};

use crate::error::Error;

/// A call of a trigger function.
pub(crate) struct TriggerCall {
    data: *mut pg_sys::TriggerData,
    flinfo: *mut pg_sys::FmgrInfo,
}

impl TriggerCall {
    /// # Safety
    /// `fcinfo` is what PostgreSQL gave to the function that is named; the call ends before it does.
    pub(crate) unsafe fn new(
        fcinfo: pg_sys::FunctionCallInfo,
        function: &'static str,
    ) -> Result<Self, Error> {
        // SAFETY: fcinfo is valid; a call as a trigger is told by the node in its context
        // (CALLED_AS_TRIGGER in commands/trigger.h).
        let (context, flinfo) = unsafe { ((*fcinfo).context, (*fcinfo).flinfo) };
        // SAFETY: a context that is not null is a Node.
        if context.is_null() || !unsafe { is_a(context, pg_sys::NodeTag::T_TriggerData) } {
            return Err(Error::NotTheTrigger { function, wanted: "by a trigger" });
        }
        Ok(Self { data: context.cast(), flinfo })
    }

    /// TG_OP, level and timing, as the TRIGGER_EVENT_* bits.
    pub(crate) fn event(&self) -> u32 {
        // SAFETY: the data is valid for the length of the call (`new`).
        unsafe { (*self.data).tg_event }
    }

    /// The table that the trigger fired on.
    pub(crate) fn relation(&self) -> PgRelation {
        // SAFETY: valid and open for the length of the call (`new`); from_pg does not close it.
        unsafe { PgRelation::from_pg((*self.data).tg_relation) }
    }

    /// The row that is to be inserted.
    pub(crate) fn new_tuple(&self) -> pg_sys::HeapTuple {
        // SAFETY: the data is valid for the length of the call (`new`).
        unsafe { (*self.data).tg_trigtuple }
    }

    /// Fails unless the trigger is BEFORE INSERT FOR EACH ROW.
    pub(crate) fn require_before_insert(&self, function: &'static str) -> Result<(), Error> {
        const WANTED: u32 =
            pg_sys::TRIGGER_EVENT_INSERT | pg_sys::TRIGGER_EVENT_BEFORE | pg_sys::TRIGGER_EVENT_ROW;
        const FIRING: u32 =
            pg_sys::TRIGGER_EVENT_OPMASK | pg_sys::TRIGGER_EVENT_TIMINGMASK | pg_sys::TRIGGER_EVENT_ROW;
        if self.event() & FIRING == WANTED {
            Ok(())
        } else {
            Err(Error::NotTheTrigger { function, wanted: "before insert for each row" })
        }
    }

    /// The function's look-up data, which live as long as the statement.
    pub(crate) fn flinfo(&self) -> *mut pg_sys::FmgrInfo {
        self.flinfo
    }
}

/// What stays the same for all rows of the statement that makes a call; its first row makes it anew.
///
/// # Safety
/// `flinfo` is that of a call, and valid for `'call`, during which this is called once. Each function always asks for the
/// same `T`.
pub(crate) unsafe fn statement<'call, T>(
    flinfo: *mut pg_sys::FmgrInfo,
    relation: &PgRelation,
    make: impl FnOnce(&PgRelation) -> Result<T, Error>,
) -> Result<&'call mut T, Error> {
    // SAFETY: flinfo is valid; its fn_extra is the called function's alone (fmgr.h), null before the first call, and
    // what is put there, always of one type, lives as long as fn_mcxt, in which it is registered. The reference is the
    // only one during the call, as the caller promises.
    unsafe {
        let kept = (*flinfo).fn_extra.cast::<(pg_sys::Oid, T)>();
        if !kept.is_null() && (*kept).0 == relation.oid() {
            return Ok(&mut (*kept).1);
        }
        let statement = (relation.oid(), make(relation)?);
        let kept = PgMemoryContexts::For((*flinfo).fn_mcxt).leak_and_drop_on_delete(statement);
        (*flinfo).fn_extra = kept.cast();
        Ok(&mut (*kept).1)
    }
}

/// Announces a function to PostgreSQL's function manager, as PG_FUNCTION_INFO_V1 does in C.
macro_rules! function_info {
    ($name:ident) => {
        #[unsafe(no_mangle)]
        #[doc(hidden)]
        extern "C" fn $name() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
            const INFO: ::pgrx::pg_sys::Pg_finfo_record = ::pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &INFO
        }
    };
}
pub(crate) use function_info;
