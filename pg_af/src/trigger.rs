//! What the trigger functions share: the call as PostgreSQL makes it, checked.

use pgrx::pg_sys;
use pgrx::{PgRelation, is_a};

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

    /// The function's look-up data, which live as long as the statement.
    pub(crate) fn flinfo(&self) -> *mut pg_sys::FmgrInfo {
        self.flinfo
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
