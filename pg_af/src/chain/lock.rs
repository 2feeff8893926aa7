//! The lock on a chain.
//!
//! It is a heavyweight lock, so that deadlocks are found, PREPARE TRANSACTION carries it over, and pg_locks shows it
//! (locktype `userlock`). It is in the default lock method and not in that of advisory locks, where SQL functions could
//! release it. It belongs to the transaction as a whole, not to the portal or savepoint that runs: so PostgreSQL
//! releases it at the end whatever happens, and [`release`] can do so earlier.
//!
//! Those who find it taken meet at a turnstile, a second lock of the same kind. Only who is through waits for the chain:
//! first by looking again and again for about as long as others need for one row, then in line. A lock that is handed
//! from sleeper to sleeper moves on only as fast as processes are woken up; here the next one is awake, and where
//! a writer comes by just as the lock is free, nobody has to be woken at all.
//!
//! Who stands before the turnstile wants the lock that the chain's holder has, so a deadlock that is found through the
//! turnstile is one without it as well.

use pgrx::check_for_interrupts;
use pgrx::pg_sys::{self, LOCKTAG, Oid};
use uuid::Uuid;

/// Tells chain locks from whatever else may use user locks in this database: "af".
const CHAIN: u16 = 0x6166;

/// And turnstiles: "ag".
const TURNSTILE: u16 = 0x6167;

/// How often the one who is through the turnstile looks before it waits in line. A look and a yield take about a
/// microsecond, inserting and committing a row about a hundred.
const LOOKS: u32 = 100;

const MODE: pg_sys::LOCKMODE = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;

/// A chain: the table, and the tenant.
pub(super) type Chain = (Oid, Uuid);

/// Waits until nobody else has the lock, and takes it for this transaction, which does not have it yet.
pub(super) fn take(chain: Chain) {
    let lock = tag(chain, CHAIN);
    if owned_by_transaction(|| is_taken_at_once(&lock)) {
        return;
    }
    let turnstile = tag(chain, TURNSTILE);
    // The turnstile belongs to whatever runs now: where waiting ends with an error, it is released with that.
    wait(&turnstile);
    owned_by_transaction(|| {
        let is_taken = (0..LOOKS).any(|_| {
            check_for_interrupts!();
            std::thread::yield_now();
            is_taken_at_once(&lock)
        });
        // Once somebody waits in line, nobody gets past.
        if !is_taken {
            wait(&lock);
        }
    });
    release_one(&turnstile);
}

/// Releases the lock, which the transaction has.
pub(super) fn release(chain: Chain) {
    owned_by_transaction(|| release_one(&tag(chain, CHAIN)));
}

/// Takes a lock if nobody has it or waits for it.
fn is_taken_at_once(tag: &LOCKTAG) -> bool {
    // SAFETY: the tag is complete and only read; the lock belongs to the current resource owner, which releases it on
    // every way out.
    let result = unsafe { pg_sys::LockAcquire(tag, MODE, false, true) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// Waits for a lock, in line.
fn wait(tag: &LOCKTAG) {
    // SAFETY: as in `is_taken_at_once`.
    unsafe { pg_sys::LockAcquire(tag, MODE, false, false) };
}

fn release_one(tag: &LOCKTAG) {
    // SAFETY: the tag is complete and only read; the lock was acquired in this mode, once for each call.
    unsafe { pg_sys::LockRelease(tag, MODE, false) };
}

/// Does something with locks that belong to the transaction as a whole.
fn owned_by_transaction<R>(action: impl FnOnce() -> R) -> R {
    struct Restore(pg_sys::ResourceOwner);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: puts back what was there, which outlives the call.
            unsafe { pg_sys::CurrentResourceOwner = self.0 };
        }
    }
    // SAFETY: within a transaction there is a resource owner of it, which lives until it ends.
    let _restore = unsafe {
        let current = Restore(pg_sys::CurrentResourceOwner);
        pg_sys::CurrentResourceOwner = pg_sys::TopTransactionResourceOwner;
        current
    };
    action()
}

fn tag(chain: Chain, class: u16) -> LOCKTAG {
    let key = fold(chain);
    LOCKTAG {
        // SAFETY: a global that is set before any statement runs and never changes.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: (key >> 32) as u32,
        locktag_field3: key as u32,
        locktag_field4: class,
        locktag_type: pg_sys::LockTagType::LOCKTAG_USERLOCK as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    }
}

/// 64 bits of (table, tenant). A collision makes two chains wait for each other, nothing worse.
fn fold((relation, tenant): Chain) -> u64 {
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input counts.
    let mix = |mut word: u64| {
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    let (high, low) = tenant.as_u64_pair();
    mix(mix(high ^ u64::from(relation.to_u32())) ^ low)
}
