//! Early release: the next writer of a chain goes on while this transaction's commit is being flushed.
//!
//! PostgreSQL releases locks after the flush, and so all writers of one chain would wait for one flush after another.
//! Here a transaction that holds chain locks commits in three steps: its commit record goes into WAL and it becomes
//! visible, as with `synchronous_commit = off`; its chain locks are released; then WAL is flushed, synchronous standbys
//! are waited for, and only then is the client answered. `docs/write-path.md` has the argument why no chain forks and
//! nothing that was acknowledged is lost, and the price.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

use pgrx::pg_guard;
use pgrx::pg_sys::{self, SubTransactionId, SubXactEvent, XactEvent};

use super::held;
use crate::settings::{self, EarlyRelease};

const OFF: i32 = pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF as i32;
const LOCAL_FLUSH: i32 = pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_LOCAL_FLUSH as i32;
const REMOTE_APPLY: i32 = pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_REMOTE_APPLY as i32;

thread_local! {
    /// The level of `synchronous_commit` that the transaction asked for, while it commits with early release and the
    /// variable says `off`.
    static ASKED_FOR: Cell<Option<i32>> = const { Cell::new(None) };
}

/// Has PostgreSQL call us where transactions end. Once, when the library is loaded.
pub(crate) fn register() {
    // SAFETY: the functions have the types that are asked for, and the library is never unloaded.
    unsafe {
        pg_sys::RegisterXactCallback(Some(at_transaction_event), ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(at_subtransaction_event), ptr::null_mut());
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_event(event: XactEvent::Type, _arg: *mut c_void) {
    match event {
        XactEvent::XACT_EVENT_PRE_COMMIT => prepare(),
        XactEvent::XACT_EVENT_COMMIT => match ASKED_FOR.take() {
            // SAFETY: this is the callback of a commit, and `prepare` took the level away.
            Some(level) => unsafe { release_and_flush(level) },
            None => held::forget_all(),
        },
        XactEvent::XACT_EVENT_ABORT => {
            // What came after PRE_COMMIT may have failed: another library's callback, or the check of SERIALIZABLE.
            if let Some(level) = ASKED_FOR.take() {
                set_synchronous_commit(level);
            }
            held::forget_all();
        }
        // The prepared transaction has the locks now, until COMMIT PREPARED has been flushed.
        XactEvent::XACT_EVENT_PREPARE => held::forget_all(),
        // Triggers do not run in parallel workers.
        _ => (),
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_subtransaction_event(
    event: SubXactEvent::Type,
    subtransaction: SubTransactionId,
    _parent: SubTransactionId,
    _arg: *mut c_void,
) {
    if event == SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        held::release_of(subtransaction);
    }
}

/// Decides for this transaction, and if so, keeps PostgreSQL from flushing before it releases.
///
/// The variable is assigned directly: the value that a transaction has set is put back only after the callbacks of
/// its end, so that the setting itself, and what SHOW says, stays what it is.
fn prepare() {
    let level = synchronous_commit();
    if held::is_any_held() && may_release_early(level) && has_written() {
        ASKED_FOR.set(Some(level));
        set_synchronous_commit(OFF);
    }
}

fn may_release_early(level: i32) -> bool {
    let is_wanted = match settings::early_release() {
        EarlyRelease::Auto => !settings::has_synchronous_standbys(),
        EarlyRelease::On => true,
        EarlyRelease::Off => false,
    };
    // Where nothing is flushed there is nothing to gain. With remote_apply, the commit record itself asks standbys to
    // answer when they have applied it, if the variable says so while it is written.
    is_wanted && level > OFF && level < REMOTE_APPLY
}

/// Whether PostgreSQL itself would flush at this commit (RecordTransactionCommit in xact.c): there is a transaction id
/// and something in WAL.
fn has_written() -> bool {
    // SAFETY: read the current transaction's state.
    unsafe { pg_sys::GetTopTransactionIdIfAny().into_inner() != 0 && pg_sys::XactLastRecEnd != 0 }
}

/// What remains of the commit: to release, to make it durable, and to wait for standbys, at the level that was asked for.
///
/// # Safety
/// The transaction has just become visible to others, interrupts are held, and it has written a commit record.
unsafe fn release_and_flush(level: i32) {
    held::release_all();
    set_synchronous_commit(level);
    // SAFETY: as the caller promises. XactLastCommitEnd is the end of this transaction's commit record, the last thing
    // that RecordTransactionCommit sets. As there, an error while flushing must not look like a failed transaction,
    // which it is too late for: in a critical section it takes the server down, and nobody is told of a commit.
    unsafe {
        let end = pg_sys::XactLastCommitEnd;
        pg_sys::CritSectionCount += 1;
        pg_sys::XLogFlush(end);
        pg_sys::CritSectionCount -= 1;
        if level > LOCAL_FLUSH {
            pg_sys::SyncRepWaitForLSN(end, true);
        }
    }
}

fn synchronous_commit() -> i32 {
    // SAFETY: reads a setting of this backend, which has one thread.
    unsafe { pg_sys::synchronous_commit }
}

fn set_synchronous_commit(level: i32) {
    // SAFETY: sets a setting of this backend, which has one thread, to one of its values.
    unsafe { pg_sys::synchronous_commit = level };
}
