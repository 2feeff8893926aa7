//! No fork and no gap, whatever sessions do at the same time, in every isolation level.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, backend_pid, sqlstate, wait_until_blocked};
use af_tests::ledger::{INSERT, add_entries, add_tenant, whole_chains};
use af_tests::random::Random;
use postgres::error::SqlState;
use postgres::{Client, Transaction};
use uuid::Uuid;

const SESSIONS: usize = 16;
const INSERTS: usize = 500;
const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];
/// Sessions that never get through are a failure too.
const PATIENCE: Duration = Duration::from_secs(120);

/// The ids that a transaction has stored, by tenant.
type Stored = Vec<(Uuid, Uuid)>;

fn begin<'a>(client: &'a mut Client, level: &str) -> Transaction<'a> {
    let mut transaction = client.transaction().unwrap();
    transaction.batch_execute(&format!("SET TRANSACTION ISOLATION LEVEL {level}")).unwrap();
    transaction
}

fn insert(
    transaction: &mut Transaction<'_>,
    tenant: Uuid,
    random: &mut Random,
) -> Result<Uuid, postgres::Error> {
    let id = Uuid::from_u64_pair(random.next_u64(), random.next_u64());
    transaction.execute(INSERT, &[&tenant, &id])?;
    Ok(id)
}

/// Up to five inserts, some under a savepoint that is rolled back or kept, some savepoints inside others. Says what the
/// transaction stores if it commits.
fn some_inserts(
    transaction: &mut Transaction<'_>,
    tenants: &[Uuid],
    count: usize,
    random: &mut Random,
) -> Result<Stored, postgres::Error> {
    let mut stored = Stored::new();
    // Mostly one tenant, so that not every transaction ends in a deadlock with another.
    let home = *random.choose(tenants);
    let mut left = count;
    while left > 0 {
        let tenant = if random.percent(85) { home } else { *random.choose(tenants) };
        if random.percent(40) {
            let in_savepoint = 1 + random.below(left);
            let mut savepoint = transaction.savepoint("s")?;
            let mut kept = Stored::new();
            for _ in 0..in_savepoint {
                kept.push((tenant, insert(&mut savepoint, tenant, random)?));
            }
            if random.percent(30) {
                let mut nested = savepoint.savepoint("nested")?;
                insert(&mut nested, tenant, random)?;
                nested.rollback()?;
            }
            left -= in_savepoint;
            if random.percent(50) {
                savepoint.rollback()?;
            } else {
                savepoint.commit()?;
                stored.append(&mut kept);
            }
        } else {
            stored.push((tenant, insert(transaction, tenant, random)?));
            left -= 1;
        }
    }
    Ok(stored)
}

/// One session's work: `INSERTS` inserts in transactions that commit or roll back at random, each done again for
/// as long as it fails for another session's sake.
fn session(mut client: Client, level: &str, tenants: &[Uuid], mut random: Random) -> Stored {
    let deadline = Instant::now() + PATIENCE;
    // Sessions that release early and such that hold to the end meet on the same chains.
    let early_release = random.choose(&["on", "off", "auto"]);
    client.batch_execute(&format!("SET pg_af.early_release = {early_release}")).unwrap();
    let mut committed = Stored::new();
    let mut left = INSERTS;
    while left > 0 {
        assert!(Instant::now() < deadline, "{level}: {left} inserts still to go");
        let count = (1 + random.below(5)).min(left);
        let mut transaction = begin(&mut client, level);
        let result = some_inserts(&mut transaction, tenants, count, &mut random).and_then(|stored| {
            if random.percent(15) {
                transaction.rollback().map(|()| Stored::new())
            } else {
                transaction.commit().map(|()| stored)
            }
        });
        match result {
            Ok(mut stored) => {
                committed.append(&mut stored);
                left -= count;
            }
            Err(error) => {
                let retry = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
                assert!(error.code().is_some_and(|code| retry.contains(code)), "{level}: {error:?}");
            }
        }
    }
    committed
}

fn many_sessions(level: &'static str, tenant_count: usize) {
    let mut random = Random::from_environment();
    let database = Database::new();
    let mut client = database.connect();
    let tenants: Vec<Uuid> =
        (0..tenant_count).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();

    let committed: Stored = thread::scope(|scope| {
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|_| {
                let (client, tenants, random) = (database.connect(), tenants.as_slice(), random.fork());
                scope.spawn(move || session(client, level, tenants, random))
            })
            .collect();
        sessions.into_iter().flat_map(|session| session.join().expect("the session gets through")).collect()
    });

    let mut expected = BTreeMap::new();
    for (tenant, _) in &committed {
        *expected.entry(*tenant).or_insert(0_i64) += 1;
    }
    assert!(committed.len() > SESSIONS * INSERTS / 2, "most of the inserts were to be committed");
    assert_eq!(whole_chains(&mut client), expected);
    let stored = client.query("SELECT tenant_id, id FROM audits", &[]).unwrap();
    let stored: BTreeSet<(Uuid, Uuid)> = stored.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(stored, committed.into_iter().collect(), "stored is exactly what was committed");
}

#[test]
fn sixteen_sessions_on_one_tenant_read_committed() {
    many_sessions("READ COMMITTED", 1);
}

#[test]
fn sixteen_sessions_on_one_tenant_repeatable_read() {
    many_sessions("REPEATABLE READ", 1);
}

#[test]
fn sixteen_sessions_on_one_tenant_serializable() {
    many_sessions("SERIALIZABLE", 1);
}

#[test]
fn sixteen_sessions_on_eight_tenants_read_committed() {
    many_sessions("READ COMMITTED", 8);
}

#[test]
fn sixteen_sessions_on_eight_tenants_repeatable_read() {
    many_sessions("REPEATABLE READ", 8);
}

#[test]
fn sixteen_sessions_on_eight_tenants_serializable() {
    many_sessions("SERIALIZABLE", 8);
}

/// Inserts in a transaction of its own until it is committed.
fn insert_with_retry(client: &mut Client, level: &str, tenant: Uuid, random: &mut Random) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut transaction = begin(client, level);
        let result = insert(&mut transaction, tenant, random).and_then(|_| transaction.commit());
        match result {
            Ok(()) => return,
            Err(error) => assert_eq!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE), "{error:?}"),
        }
        assert!(Instant::now() < deadline, "the insert does not get through");
    }
}

#[test]
fn two_first_inserts_of_a_tenant_at_once() {
    let mut random = Random::from_environment();
    let database = Database::new();
    let mut client = database.connect();
    let mut expected = BTreeMap::new();
    let mut sessions = [database.connect(), database.connect()];
    for round in 0..60 {
        let tenant = add_tenant(&mut client, &format!("tenant {round}"));
        let start = Arc::new(Barrier::new(sessions.len()));
        thread::scope(|scope| {
            for session in &mut sessions {
                let (start, mut random) = (Arc::clone(&start), random.fork());
                scope.spawn(move || {
                    start.wait();
                    insert_with_retry(session, LEVELS[round % LEVELS.len()], tenant, &mut random);
                });
            }
        });
        expected.insert(tenant, 2);
    }
    assert_eq!(whole_chains(&mut client), expected);
}

/// Two sessions, both with a snapshot from before; the second waits for the first, which ends in either way.
fn waiting_for_the_other(level: &str, entries_before: i32, first_commits: bool) {
    let mut random = Random::from_environment();
    let database = Database::new();
    let mut observer = database.connect();
    let tenant = add_tenant(&mut observer, "one");
    add_entries(&mut observer, tenant, entries_before);
    let (mut first, mut second) = (database.connect(), database.connect());
    let second_pid = backend_pid(&mut second);

    let mut first = begin(&mut first, level);
    let mut second = begin(&mut second, level);
    for transaction in [&mut first, &mut second] {
        // Under REPEATABLE READ this is where the snapshot is taken.
        transaction.query_one("SELECT count(*) FROM audits", &[]).unwrap();
    }
    insert(&mut first, tenant, &mut random).unwrap();
    let second_result = thread::scope(|scope| {
        let mut random = random.fork();
        let second =
            scope.spawn(move || insert(&mut second, tenant, &mut random).and_then(|_| second.commit()));
        wait_until_blocked(&mut observer, second_pid);
        if first_commits {
            first.commit().unwrap()
        } else {
            first.rollback().unwrap()
        }
        second.join().unwrap()
    });

    let mut expected = i64::from(entries_before) + i64::from(first_commits);
    match second_result {
        Ok(()) => expected += 1,
        Err(error) => {
            // It may give up only where its snapshot is stale.
            assert_eq!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE), "{error:?}");
            assert!(level != "READ COMMITTED" && first_commits, "{level}: nothing to fail for: {error:?}");
        }
    }
    let chains = whole_chains(&mut observer);
    assert_eq!(chains.get(&tenant).copied().unwrap_or(0), expected, "{level}, committed: {first_commits}");
}

#[test]
fn a_session_that_waited_chains_on_the_true_head() {
    for level in LEVELS {
        for entries_before in [0, 3] {
            for first_commits in [true, false] {
                waiting_for_the_other(level, entries_before, first_commits);
            }
        }
    }
}

#[test]
fn a_deadlock_between_two_tenants_is_resolved() {
    let mut random = Random::from_environment();
    for level in LEVELS {
        let database = Database::new();
        let mut observer = database.connect();
        let tenants = ["one", "two"].map(|name| add_tenant(&mut observer, name));
        let mut sessions = [database.connect(), database.connect()];
        let pids = sessions.each_mut().map(backend_pid);
        let [first, second] = &mut sessions;
        let (mut first, mut second) = (begin(first, level), begin(second, level));
        insert(&mut first, tenants[0], &mut random).unwrap();
        insert(&mut second, tenants[1], &mut random).unwrap();
        let results = thread::scope(|scope| {
            let (mut first_random, mut second_random) = (random.fork(), random.fork());
            let finish = |mut transaction: Transaction<'_>, tenant: Uuid, random: &mut Random| {
                insert(&mut transaction, tenant, random).and_then(|_| transaction.commit())
            };
            let first = scope.spawn(move || finish(first, tenants[1], &mut first_random));
            wait_until_blocked(&mut observer, pids[0]);
            let second = scope.spawn(move || finish(second, tenants[0], &mut second_random));
            [first.join().unwrap(), second.join().unwrap()]
        });
        let codes = results.map(|result| result.err().map(|error| error.code().cloned()));
        let deadlock = Some(Some(SqlState::T_R_DEADLOCK_DETECTED));
        let expected = [[None, deadlock.clone()], [deadlock, None]];
        assert!(expected.contains(&codes), "{level}: one of the two gives way: {codes:?}");
        let chains = whole_chains(&mut observer);
        assert_eq!(chains, tenants.map(|tenant| (tenant, 1)).into(), "{level}: the other stored both");
    }
}

#[test]
fn a_killed_backend_leaves_the_chain_to_the_others() {
    let mut random = Random::from_environment();
    let database = Database::new();
    let mut observer = database.connect();
    let tenant = add_tenant(&mut observer, "one");
    add_entries(&mut observer, tenant, 5);
    for round in 0..5_i64 {
        let (mut victim, mut other) = (database.connect(), database.connect());
        let (victim_pid, other_pid) = (backend_pid(&mut victim), backend_pid(&mut other));
        let mut transaction = victim.transaction().unwrap();
        for _ in 0..20 {
            insert(&mut transaction, tenant, &mut random).unwrap();
        }
        thread::scope(|scope| {
            let mut random = random.fork();
            let other = scope.spawn(move || {
                let mut transaction = other.transaction()?;
                insert(&mut transaction, tenant, &mut random)?;
                transaction.commit()
            });
            wait_until_blocked(&mut observer, other_pid);
            observer.execute("SELECT pg_terminate_backend($1)", &[&victim_pid]).unwrap();
            other.join().unwrap().expect("the waiting session goes on");
        });
        assert!(transaction.query("SELECT 1", &[]).is_err(), "the victim's session is gone");
        assert_eq!(whole_chains(&mut observer), [(tenant, 6 + round)].into());
    }
}

#[test]
fn a_cancelled_wait_for_the_chain_leaves_no_trace() {
    let mut random = Random::from_environment();
    let database = Database::new();
    let mut observer = database.connect();
    let tenant = add_tenant(&mut observer, "one");
    let (mut holder, mut waiter) = (database.connect(), database.connect());
    let mut transaction = holder.transaction().unwrap();
    insert(&mut transaction, tenant, &mut random).unwrap();
    waiter.batch_execute("SET statement_timeout = '300ms'").unwrap();
    let id = Uuid::from_u64_pair(random.next_u64(), random.next_u64());
    assert_eq!(sqlstate(waiter.execute(INSERT, &[&tenant, &id])), "57014");
    // It no longer stands in the queue, and it can insert as soon as the chain is free.
    transaction.commit().unwrap();
    waiter.execute(INSERT, &[&tenant, &id]).unwrap();
    assert_eq!(whole_chains(&mut observer), [(tenant, 2)].into());
}
