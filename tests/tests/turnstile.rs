//! Writers of one chain that find it taken wait at a turnstile, of whom one at a time waits for the chain itself. Whatever
//! ends their waiting, the others go on.

use std::thread;

use af_tests::database::{Database, backend_pid, sqlstate, wait_for_count, wait_until_blocked};
use af_tests::ledger::{INSERT, add_tenant, insert, whole_chains, with_one_tenant};
use postgres::Client;
use postgres::error::SqlState;
use uuid::Uuid;

/// A session that is in a transaction, and its backend.
fn begin(database: &Database) -> (Client, i32) {
    let mut client = database.connect();
    let pid = backend_pid(&mut client);
    client.batch_execute("BEGIN").unwrap();
    (client, pid)
}

/// Inserts, and tells how that failed, if it did.
fn try_to_insert(client: &mut Client, tenant: Uuid) -> Option<SqlState> {
    client.execute(INSERT, &[&tenant, &Uuid::new_v4()]).err().map(|error| error.code().unwrap().clone())
}

#[test]
fn who_gives_up_in_a_savepoint_keeps_nobody_out() {
    let (database, mut observer, tenant) = with_one_tenant();
    let ((mut holder, _), (mut first, first_pid), (mut second, second_pid)) =
        (begin(&database), begin(&database), begin(&database));
    insert(&mut holder, tenant);
    thread::scope(|scope| {
        let gives_up = scope.spawn(move || {
            first.batch_execute("SAVEPOINT s").unwrap();
            assert_eq!(try_to_insert(&mut first, tenant), Some(SqlState::QUERY_CANCELED));
            first.batch_execute("ROLLBACK TO SAVEPOINT s").unwrap();
            // Its transaction goes on, and holds nothing.
            first
        });
        wait_until_blocked(&mut observer, first_pid);
        let goes_on = scope.spawn(move || {
            insert(&mut second, tenant);
            second.batch_execute("COMMIT").unwrap();
        });
        wait_until_blocked(&mut observer, second_pid);
        // The first is before the chain, the second before the turnstile.
        let waiting =
            "SELECT count(DISTINCT objsubid) FROM pg_locks WHERE locktype = 'userlock' AND NOT granted";
        wait_for_count(&mut observer, waiting, 2);
        observer.execute("SELECT pg_cancel_backend($1)", &[&first_pid]).unwrap();
        let mut first = gives_up.join().unwrap();
        holder.batch_execute("COMMIT").unwrap();
        goes_on.join().unwrap();
        insert(&mut first, tenant);
        first.batch_execute("COMMIT").unwrap();
    });
    wait_for_count(&mut observer, "SELECT count(*) FROM pg_locks WHERE locktype = 'userlock'", 0);
    assert_eq!(whole_chains(&mut observer), [(tenant, 3)].into());
}

#[test]
fn lock_timeout_ends_waiting_before_the_chain_and_before_the_turnstile() {
    let (database, mut observer, tenant) = with_one_tenant();
    let ((mut holder, _), (mut first, first_pid)) = (begin(&database), begin(&database));
    insert(&mut holder, tenant);
    thread::scope(|scope| {
        let first = scope.spawn(move || {
            first.batch_execute("SET LOCAL lock_timeout = '3s'").unwrap();
            assert_eq!(try_to_insert(&mut first, tenant), Some(SqlState::LOCK_NOT_AVAILABLE));
        });
        wait_until_blocked(&mut observer, first_pid);
        let mut second = database.connect();
        second.batch_execute("SET lock_timeout = '100ms'").unwrap();
        assert_eq!(sqlstate(second.execute(INSERT, &[&tenant, &Uuid::new_v4()])), "55P03");
        first.join().unwrap();
    });
    holder.batch_execute("COMMIT").unwrap();
    insert(&mut observer, tenant);
    assert_eq!(whole_chains(&mut observer), [(tenant, 2)].into());
}

#[test]
fn a_deadlock_through_the_turnstile_is_resolved() {
    let database = Database::new();
    let mut observer = database.connect();
    let [one, two] = ["one", "two"].map(|name| add_tenant(&mut observer, name));
    let ((mut first, _), (mut second, second_pid), (mut bystander, bystander_pid)) =
        (begin(&database), begin(&database), begin(&database));
    insert(&mut first, one);
    insert(&mut second, two);
    // The bystander waits for chain one, held by the first; the second stands behind it at the turnstile; and the first
    // waits for chain two, held by the second.
    let failures = thread::scope(|scope| {
        let finish = |client: &mut Client, tenant| {
            let failure = try_to_insert(client, tenant);
            client.batch_execute(if failure.is_none() { "COMMIT" } else { "ROLLBACK" }).unwrap();
            failure
        };
        let bystander = scope.spawn(move || finish(&mut bystander, one));
        wait_until_blocked(&mut observer, bystander_pid);
        let second = scope.spawn(move || finish(&mut second, one));
        wait_until_blocked(&mut observer, second_pid);
        let first = scope.spawn(move || finish(&mut first, two));
        [first.join().unwrap(), second.join().unwrap(), bystander.join().unwrap()]
    });
    // PostgreSQL may sacrifice the bystander too, as it may where all stand in one line.
    let deadlock = || Some(SqlState::T_R_DEADLOCK_DETECTED);
    assert!(
        [[None, deadlock()], [deadlock(), None]].contains(&[failures[0].clone(), failures[1].clone()]),
        "one of the two gives way, and only one: {failures:?}"
    );
    assert!([None, deadlock()].contains(&failures[2]), "{failures:?}");
    let stored = failures.iter().filter(|failure| failure.is_none()).count();
    wait_for_count(&mut observer, "SELECT count(*) FROM pg_locks WHERE locktype = 'userlock'", 0);
    // The first and the second have inserted an entry before.
    let expected = stored as i64 + 1;
    assert_eq!(whole_chains(&mut observer).values().sum::<i64>(), expected);
}

#[test]
fn nobody_is_passed_over_for_good() {
    const EACH: usize = 300;
    let (database, mut observer, tenant) = with_one_tenant();
    thread::scope(|scope| {
        for _ in 0..24 {
            let mut client = database.connect();
            scope.spawn(move || (0..EACH).for_each(|_| insert(&mut client, tenant)));
        }
    });
    assert_eq!(whole_chains(&mut observer), [(tenant, 24 * EACH as i64)].into());
}
