//! The lock on a chain, and which of them this transaction holds.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::pg_sys::{self, Oid, SubTransactionId};
use uuid::Uuid;

/// Tells chain locks from whatever else may use user locks in this database: "af".
const LOCK_CLASS: u16 = 0x6166;

/// Room for so many chains is kept from one transaction to the next.
const MAX_KEPT: usize = 4096;

/// A chain: the table, and the tenant.
pub(super) type Chain = (Oid, Uuid);

thread_local! {
    static HELD: RefCell<Held> = RefCell::default();
}

/// The chains whose locks this transaction holds.
#[derive(Default)]
struct Held {
    /// In the order in which they were taken, each with the subtransaction that took it.
    taken: Vec<(SubTransactionId, Chain)>,
    /// The position that was given last in each of them, if one was.
    given: HashMap<Chain, Option<i64>>,
}

/// Waits until no other transaction can add to the chain, and keeps it so until this one ends (or the savepoint in
/// which it was first taken is rolled back, and the rows inserted under it are gone).
///
/// The lock is a heavyweight one, so that deadlocks are found, PREPARE TRANSACTION carries it over,
/// and pg_locks shows it (locktype `userlock`). It is in the default lock method and not in that of
/// advisory locks, where SQL functions could release it. It belongs to the transaction as a whole, not to the
/// portal or savepoint that runs: so PostgreSQL releases it at the end whatever happens, and [`release_all`] can do
/// so earlier.
///
/// Returns the position that [`remember`] was told last, if the lock has been held since.
pub(super) fn acquire(chain: Chain) -> Option<i64> {
    if let Some(given) = HELD.with_borrow(|held| held.given.get(&chain).copied()) {
        return given;
    }
    let tag = tag(chain);
    owned_by_transaction(|| {
        // SAFETY: the tag is complete and only read; the lock belongs to the transaction, which releases it on every
        // way out, also where an error comes before it is noted below.
        unsafe { pg_sys::LockAcquire(&tag, pg_sys::ExclusiveLock as i32, false, false) };
    });
    // SAFETY: reads a number of the current transaction.
    let subtransaction = unsafe { pg_sys::GetCurrentSubTransactionId() };
    HELD.with_borrow_mut(|held| {
        held.taken.push((subtransaction, chain));
        held.given.insert(chain, None);
    });
    None
}

/// Remembers that the chain, whose lock is held, is about to get an entry at `seq`.
pub(super) fn remember(chain: Chain, seq: i64) {
    HELD.with_borrow_mut(|held| {
        if let Some(given) = held.given.get_mut(&chain) {
            *given = Some(seq);
        }
    });
}

/// Whether this transaction holds any.
pub(super) fn is_any_held() -> bool {
    HELD.with_borrow(|held| !held.taken.is_empty())
}

/// Releases all that this transaction holds.
pub(super) fn release_all() {
    HELD.with_borrow(|held| {
        owned_by_transaction(|| held.taken.iter().for_each(|(_, chain)| release(*chain)));
    });
    forget_all();
}

/// Releases what the subtransaction, which is being rolled back, and those within it have taken.
pub(super) fn release_of(subtransaction: SubTransactionId) {
    HELD.with_borrow_mut(|held| {
        // Numbers grow as subtransactions begin: what was taken since this one began has one at least as high, even if
        // it was a subtransaction within it that is over, and what was taken before has a lower one.
        while let Some((_, chain)) = held.taken.pop_if(|(taker, _)| *taker >= subtransaction) {
            held.given.remove(&chain);
            owned_by_transaction(|| release(chain));
        }
    });
}

/// Forgets them: PostgreSQL has released them, or is about to, or a prepared transaction has them now.
pub(super) fn forget_all() {
    HELD.with_borrow_mut(|held| {
        if held.taken.capacity() > MAX_KEPT {
            *held = Held::default();
        } else {
            held.taken.clear();
            held.given.clear();
        }
    });
}

fn release(chain: Chain) {
    // SAFETY: the tag is complete and only read; the lock was acquired in this mode, once for each call.
    unsafe { pg_sys::LockRelease(&tag(chain), pg_sys::ExclusiveLock as i32, false) };
}

/// Does something with locks that belong to the transaction as a whole.
fn owned_by_transaction(action: impl FnOnce()) {
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
    action();
}

fn tag(chain: Chain) -> pg_sys::LOCKTAG {
    let key = fold(chain);
    pg_sys::LOCKTAG {
        // SAFETY: a global that is set before any statement runs and never changes.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: (key >> 32) as u32,
        locktag_field3: key as u32,
        locktag_field4: LOCK_CLASS,
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
