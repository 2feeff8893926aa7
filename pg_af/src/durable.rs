//! What an answer may tell: only what a crash cannot take back.
//!
//! With early release, as with `synchronous_commit = off`, others see a commit before it is durable. Who reads within
//! the database need not care: a crash takes back what they made of it too. But what is written down elsewhere, such as
//! a verdict or a head, must not tell of entries that are gone after a crash, and their positions given to others.

use pgrx::pg_guard;
use pgrx::pg_sys::{self, Datum, XLogRecPtr};

use crate::error::Error;
use crate::fmgr::function_info;
use crate::settings::{self, EarlyRelease};

const LOCAL_FLUSH: i32 = pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_LOCAL_FLUSH as i32;
const REMOTE_FLUSH: i32 = pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_REMOTE_FLUSH as i32;

/// Makes durable what others have committed and this transaction's snapshot shows. To be called after the last thing was
/// read and before it is told. Returns how far WAL has been flushed; `None` on a standby, which has nothing that is not.
///
/// Where early release is `on` in spite of synchronous standbys, it also waits for these, as a commit would.
pub(crate) fn flush() -> Result<Option<XLogRecPtr>, Error> {
    // SAFETY: reads the server's state.
    if unsafe { pg_sys::RecoveryInProgress() } {
        return Ok(None);
    }
    // SAFETY: Whoever has become visible has written the commit record before, so its end is at or before the position
    // to which WAL has been inserted now.
    let end = unsafe {
        let end = end_of_records(pg_sys::GetXLogInsertRecPtr(), pg_sys::wal_segment_size as u64);
        pg_sys::XLogFlush(end);
        end
    };
    if settings::early_release() == EarlyRelease::On {
        wait_for_standbys(end)?;
    }
    Ok(Some(end))
}

/// Where the last record ends, if the next one would start at `next`, in segments of so many bytes. Behind a full page that is before the next page's header,
/// which is not there to be flushed yet.
///
/// GetXLogInsertEndRecPtr would tell, but a server older than that function could not load a library that calls it.
pub(crate) fn end_of_records(next: XLogRecPtr, segment: u64) -> XLogRecPtr {
    /// MAXALIGN, as SizeOfXLogShortPHD and SizeOfXLogLongPHD have it (access/xlog_internal.h).
    const fn aligned(size: usize) -> u64 {
        size.next_multiple_of(pg_sys::MAXIMUM_ALIGNOF as usize) as u64
    }
    const PAGE: u64 = pg_sys::XLOG_BLCKSZ as u64;
    const HEADER: u64 = aligned(size_of::<pg_sys::XLogPageHeaderData>());
    const FIRST_HEADER: u64 = aligned(size_of::<pg_sys::XLogLongPageHeaderData>());
    if next % segment == FIRST_HEADER {
        next - FIRST_HEADER
    } else if next % segment >= PAGE && next % PAGE == HEADER {
        next - HEADER
    } else {
        next
    }
}

/// Waits as a commit at the present `synchronous_commit` does.
fn wait_for_standbys(end: XLogRecPtr) -> Result<(), Error> {
    // SAFETY: a setting of this backend.
    let level = unsafe { pg_sys::synchronous_commit };
    if level <= LOCAL_FLUSH || !settings::has_synchronous_standbys() {
        return Ok(());
    }
    let mode = if level < REMOTE_FLUSH { pg_sys::SYNC_REP_WAIT_WRITE } else { pg_sys::SYNC_REP_WAIT_FLUSH };
    // SAFETY: The function wants interrupts to be held, and handles cancellation itself: it gives up with no more than a
    // warning, as is right behind a commit. So what standbys have confirmed is read again afterwards. It only grows, and
    // is read and written whole.
    let confirmed = unsafe {
        pg_sys::InterruptHoldoffCount += 1;
        pg_sys::SyncRepWaitForLSN(end, false);
        pg_sys::InterruptHoldoffCount -= 1;
        (&raw const (*pg_sys::WalSndCtl).lsn[mode as usize]).read_volatile()
    };
    if confirmed >= end { Ok(()) } else { Err(Error::NotReplicated) }
}

function_info!(pg_finfo_af_wal_flush);

/// `af_wal_flush()`: the same for whoever reads with statements of their own.
///
/// # Safety
/// Only PostgreSQL's function manager calls it.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn af_wal_flush(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    match flush() {
        Ok(Some(end)) => Datum::from(end),
        Ok(None) => {
            // SAFETY: fcinfo comes from the function manager.
            unsafe { (*fcinfo).isnull = true };
            Datum::null()
        }
        Err(error) => error.raise(),
    }
}
