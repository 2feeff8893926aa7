//! The guard: a trigger that refuses every change to what is stored.

use std::convert::Infallible;

use pgrx::{pg_guard, pg_sys};

use crate::error::Error;
use crate::fmgr::function_info;
use crate::trigger::TriggerCall;

function_info!(pg_finfo_af_audit_guard);

/// `af_audit_guard()`: raises 55000, whatever the change.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_audit_guard(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: fcinfo comes from the function manager, and the call ends within this one.
    let Err(error) = unsafe { TriggerCall::new(fcinfo, "af_audit_guard()") }.and_then(refuse);
    error.raise()
}

fn refuse(call: TriggerCall) -> Result<Infallible, Error> {
    let operation = match call.event() & pg_sys::TRIGGER_EVENT_OPMASK {
        pg_sys::TRIGGER_EVENT_UPDATE => "update",
        pg_sys::TRIGGER_EVENT_DELETE => "delete from",
        pg_sys::TRIGGER_EVENT_TRUNCATE => "truncate",
        _ => {
            let wanted = "before update, delete or truncate";
            return Err(Error::NotTheTrigger { function: "af_audit_guard()", wanted });
        }
    };
    Err(Error::AppendOnly { operation, relation: call.relation().name().into() })
}
