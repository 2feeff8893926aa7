//! Which chains this transaction holds the locks of.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::pg_sys::{self, SubTransactionId};

use super::lock::{self, Chain};

/// Room for so many chains is kept from one transaction to the next.
const MAX_KEPT: usize = 4096;

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
/// Returns the position that [`remember`] was told last, if the lock has been held since.
pub(super) fn acquire(chain: Chain) -> Option<i64> {
    if let Some(given) = HELD.with_borrow(|held| held.given.get(&chain).copied()) {
        return given;
    }
    lock::take(chain);
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
        held.taken.iter().for_each(|(_, chain)| lock::release(*chain));
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
            lock::release(chain);
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
