//! What a trigger has looked up about a table, kept from one statement to the next until the table changes.
//!
//! For a statement that inserts one row, the look-ups would cost more than hashing it.

use std::cell::{Cell, RefCell};
use std::thread::LocalKey;

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{PgRelation, pg_guard};

use crate::error::Error;

/// So many tables are remembered by a trigger, the partitions of one among them.
const MAX_TABLES: usize = 64;

thread_local! {
    /// The tables that anything is remembered about.
    static WATCHED: RefCell<Vec<Oid>> = const { RefCell::new(Vec::new()) };
    /// How often one of them has changed. What was looked up under another number is not used any more.
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// Has PostgreSQL call us when the definition of a table, or of an index on it, changes. Once, when the library is loaded.
pub(crate) fn register() {
    // SAFETY: the function has the type that is asked for, and the library is never unloaded.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(at_change), Datum::null()) };
}

/// Before a statement touches a table it locks it, and hears then what has changed. While it holds the lock nothing can
/// change that matters here.
#[pg_guard]
unsafe extern "C-unwind" fn at_change(_arg: Datum, relation: Oid) {
    WATCHED.with_borrow_mut(|watched| {
        // The invalid OID stands for all.
        if relation == Oid::INVALID || watched.contains(&relation) {
            forget(watched);
        }
    });
}

/// Makes all that is remembered useless.
fn forget(watched: &mut Vec<Oid>) {
    watched.clear();
    CHANGES.set(CHANGES.get() + 1);
}

/// What one kind of trigger keeps for each table, a `T`. To be in a `thread_local`.
pub(crate) struct TableCache<T>(RefCell<Vec<Kept<T>>>);

struct Kept<T> {
    relation: Oid,
    changes: u64,
    value: T,
}

impl<T> TableCache<T> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// Acts with what is kept for `relation`, or has been made for it now. The statement that runs holds a lock on it.
    ///
    /// What is kept is taken out for that time: a call within the call makes its own, and after an error it is gone.
    pub(crate) fn with<R>(
        cache: &'static LocalKey<Self>,
        relation: &PgRelation,
        make: impl FnOnce(&PgRelation) -> Result<T, Error>,
        act: impl FnOnce(&mut T) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let oid = relation.oid();
        let mut kept = match cache.with(|cache| cache.take(oid)) {
            Some(kept) => kept,
            None => Kept { relation: oid, changes: watch(oid), value: make(relation)? },
        };
        let result = act(&mut kept.value)?;
        cache.with(|cache| cache.put(kept));
        Ok(result)
    }

    fn take(&self, relation: Oid) -> Option<Kept<T>> {
        let mut all = self.0.borrow_mut();
        // The last one put back is most likely the one.
        let position = all.iter().rposition(|kept| kept.relation == relation)?;
        let kept = all.swap_remove(position);
        (kept.changes == CHANGES.get()).then_some(kept)
    }

    fn put(&self, kept: Kept<T>) {
        let mut all = self.0.borrow_mut();
        if all.len() == MAX_TABLES {
            all.clear();
        }
        all.push(kept);
    }
}

/// Has changes of a table counted, and returns how many there were.
fn watch(relation: Oid) -> u64 {
    WATCHED.with_borrow_mut(|watched| {
        if !watched.contains(&relation) {
            if watched.len() == 2 * MAX_TABLES {
                forget(watched);
            }
            watched.push(relation);
        }
    });
    CHANGES.get()
}
