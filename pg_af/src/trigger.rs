//! What the trigger functions share: the call as PostgreSQL makes it, checked.

use pgrx::pg_sys;
use pgrx::{PgRelation, is_a};

use crate::error::Error;

/// A call of a trigger function.
pub(crate) struct TriggerCall {
    data: *mut pg_sys::TriggerData,
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
        let context = unsafe { (*fcinfo).context };
        // SAFETY: a context that is not null is a Node.
        if context.is_null() || !unsafe { is_a(context, pg_sys::NodeTag::T_TriggerData) } {
            return Err(Error::NotTheTrigger { function, wanted: "by a trigger" });
        }
        Ok(Self { data: context.cast() })
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
}
