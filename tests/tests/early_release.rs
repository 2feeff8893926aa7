//! A chain's lock is let go as soon as its entry is visible, before that is durable, and whoever waits for durability still
//! waits; where early release does not apply, and on every other way out, the lock is held to the end and then gone.

use std::fs;
use std::thread;

use af_tests::crash::{DATABASE, durable_server, flushed};
use af_tests::database::{Database, backend_pid, connect, sqlstate, wait_for_count, wait_until_blocked};
use af_tests::ledger::{INSERT, add_tenant, insert, whole_chains, with_one_tenant};
use af_tests::tools;
use af_tools::throwaway::Server;
use postgres::Client;
use uuid::Uuid;

/// How many commits wait for a standby.
const WAITING_FOR_STANDBY: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
const ENTRIES: &str = "SELECT count(*) FROM audits";

/// A server whose commits wait for a standby that never answers; and a session on it that does not wait.
fn with_absent_standby() -> (Server, Client, Uuid) {
    let mut server = durable_server(&[]);
    let mut client = connect(&server.url(DATABASE));
    let tenant = add_tenant(&mut client, "one");
    client.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").unwrap();
    server.restart().unwrap();
    let mut observer = connect(&server.url(DATABASE));
    observer.batch_execute("SET synchronous_commit = local").unwrap();
    (server, observer, tenant)
}

fn stop_waiting_for_standbys(observer: &mut Client) {
    observer.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").unwrap();
    observer.batch_execute("SELECT pg_reload_conf()").unwrap();
}

fn session(server: &Server, settings: &str) -> Client {
    let mut client = connect(&server.url(DATABASE));
    // A test that fails in between must not leave it waiting for ever.
    client.batch_execute("SET statement_timeout = '60s'").unwrap();
    client.batch_execute(settings).unwrap();
    client
}

#[test]
fn the_next_writer_goes_on_while_the_commit_waits() {
    let (server, mut observer, tenant) = with_absent_standby();
    let early = "SET pg_af.early_release = on";
    thread::scope(|scope| {
        // One after the other, each on the entry before, though none has been acknowledged.
        let writers: Vec<_> = (1..=3)
            .map(|writer| {
                let mut client = session(&server, early);
                let writer_thread = scope.spawn(move || insert(&mut client, tenant));
                wait_for_count(&mut observer, WAITING_FOR_STANDBY, writer);
                wait_for_count(&mut observer, ENTRIES, writer);
                writer_thread
            })
            .collect();
        assert!(writers.iter().all(|writer| !writer.is_finished()), "nobody is answered before the standby");
        assert_eq!(whole_chains(&mut observer), [(tenant, 3)].into());
        // Nor is whoever wants to tell of these entries, unless durability here is all that is asked for.
        let mut reader = session(&server, "SET pg_af.early_release = on; SET statement_timeout = '200ms'");
        for sql in ["SELECT af_wal_flush()", "SELECT * FROM af_audit_verify()"] {
            assert_eq!(sqlstate(reader.query(sql, &[])), "57014", "{sql}");
        }
        reader.batch_execute("SET synchronous_commit = local; SELECT af_wal_flush()").unwrap();
        stop_waiting_for_standbys(&mut observer);
    });
    assert_eq!(whole_chains(&mut observer), [(tenant, 3)].into());
}

#[test]
fn the_next_writer_waits_where_the_lock_is_held_to_the_end() {
    let (server, mut observer, tenant) = with_absent_standby();
    for (round, settings) in [
        "SET pg_af.early_release = auto",
        "SET pg_af.early_release = off",
        "SET pg_af.early_release = on; SET synchronous_commit = remote_apply",
    ]
    .into_iter()
    .enumerate()
    {
        let before = i64::try_from(2 * round).unwrap();
        thread::scope(|scope| {
            let (mut first, mut second) = (session(&server, settings), session(&server, settings));
            let second_pid = backend_pid(&mut second);
            let first = scope.spawn(move || insert(&mut first, tenant));
            wait_for_count(&mut observer, WAITING_FOR_STANDBY, 1);
            let second = scope.spawn(move || insert(&mut second, tenant));
            wait_until_blocked(&mut observer, second_pid);
            assert_eq!(observer.query_one(ENTRIES, &[]).unwrap().get::<_, i64>(0), before, "{settings}");
            // They are let go one by one: a commit's wait can be cancelled, and what is committed stays so.
            for writer in [first, second] {
                wait_for_count(&mut observer, WAITING_FOR_STANDBY, 1);
                let cancel =
                    "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
                observer.query_one(cancel, &[]).unwrap();
                writer.join().unwrap();
            }
        });
        assert_eq!(whole_chains(&mut observer), [(tenant, before + 2)].into(), "{settings}");
    }
}

/// What is told must be flushed, by whichever way it is asked for.
#[test]
fn whoever_tells_what_is_stored_flushes_it_first() {
    let server = durable_server(&[("wal_writer_delay", "10s"), ("wal_writer_flush_after", "1GB")]);
    let url = server.url(DATABASE);
    let mut client = connect(&url);
    let tenant = add_tenant(&mut client, "one");
    let tool = |arguments: &[&str]| {
        let run = tools::run(&[&["--url", &url], arguments].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
    };
    let sql = |client: &mut Client, sql: &str| {
        client.query(sql, &[]).unwrap();
    };
    type Ask<'a> = &'a dyn Fn(&mut Client);
    let asks: [(&str, Ask<'_>); 7] = [
        ("af_audit_verify", &|client| sql(client, "SELECT * FROM af_audit_verify()")),
        ("af_audit_verify of a tenant", &|client| {
            sql(client, &format!("SELECT * FROM af_audit_verify('{tenant}')"))
        }),
        ("af_audit_findings", &|client| sql(client, "SELECT * FROM af_audit_findings()")),
        ("af_audit_head", &|client| sql(client, &format!("SELECT * FROM af_audit_head('{tenant}')"))),
        ("af_wal_flush", &|client| sql(client, "SELECT af_wal_flush()")),
        ("audit verify", &|_| tool(&["audit", "verify"])),
        ("audit verify --in-database", &|_| tool(&["audit", "verify", "--in-database"])),
    ];
    for (name, ask) in asks {
        // A checkpoint or another session's commit may flush in between, but not again and again.
        let seen = (0..20).any(|_| {
            client.batch_execute("SET synchronous_commit = off").unwrap();
            insert(&mut client, tenant);
            client.batch_execute("RESET synchronous_commit").unwrap();
            let row = client.query_one("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint", &[]).unwrap();
            let inserted = row.get::<_, i64>(0).cast_unsigned();
            let was_flushed = flushed(&mut client) >= inserted;
            ask(&mut client);
            assert!(flushed(&mut client) >= inserted, "{name} told what was not flushed");
            !was_flushed
        });
        assert!(seen, "{name}: there never was anything to flush");
    }
}

#[test]
fn a_rolled_back_savepoint_releases_what_it_took() {
    let (database, mut client, tenant) = with_one_tenant();
    let other_tenant = add_tenant(&mut client, "two");
    let mut other = database.connect();
    let mut transaction = client.transaction().unwrap();
    insert(&mut transaction, other_tenant);
    let mut savepoint = transaction.savepoint("outer_one").unwrap();
    let mut inner = savepoint.savepoint("inner_one").unwrap();
    insert(&mut inner, tenant);
    inner.commit().unwrap();
    insert(&mut savepoint, other_tenant);
    savepoint.rollback().unwrap();
    // Nobody waits for the tenant whose lock the savepoint took; the other's was taken before.
    insert(&mut other, tenant);
    other.batch_execute("SET lock_timeout = '100ms'").unwrap();
    assert_eq!(sqlstate(other.execute(INSERT, &[&other_tenant, &Uuid::new_v4()])), "55P03");
    insert(&mut transaction, tenant);
    transaction.commit().unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 2), (other_tenant, 1)].into());
}

#[test]
fn no_function_releases_the_lock() {
    let (database, mut client, tenant) = with_one_tenant();
    let mut other = database.connect();
    other.batch_execute("SET lock_timeout = '100ms'").unwrap();
    client.batch_execute("SELECT pg_advisory_lock(1)").unwrap();
    let mut transaction = client.transaction().unwrap();
    insert(&mut transaction, tenant);
    transaction.batch_execute("SELECT pg_advisory_unlock(1), pg_advisory_unlock_all()").unwrap();
    assert_eq!(sqlstate(other.execute(INSERT, &[&tenant, &Uuid::new_v4()])), "55P03");
    transaction.commit().unwrap();
    client.batch_execute("DISCARD ALL").unwrap();
    insert(&mut client, tenant);
    insert(&mut other, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 3)].into());
}

/// SERIALIZABLE may fail a transaction at its very end, when early release has been prepared.
#[test]
fn a_serialization_failure_at_commit_leaves_nothing_behind() {
    let (database, mut client, tenant) = with_one_tenant();
    client.batch_execute("CREATE TABLE seen (n integer)").unwrap();
    let mut other = database.connect();
    for client in [&mut client, &mut other] {
        client.batch_execute("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM seen").unwrap();
    }
    other.batch_execute("INSERT INTO seen VALUES (1)").unwrap();
    client.batch_execute("INSERT INTO seen VALUES (2)").unwrap();
    insert(&mut client, tenant);
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(sqlstate(client.batch_execute("COMMIT")), "40001");
    let level: String = client.query_one("SHOW synchronous_commit", &[]).unwrap().get(0);
    assert_eq!(level, "on");
    wait_for_count(&mut other, "SELECT count(*) FROM pg_locks WHERE locktype = 'userlock'", 0);
    insert(&mut other, tenant);
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 2)].into());
}

/// The library's settings are unknown until a session first needs it; what was set before is judged then.
#[test]
fn what_an_ordinary_role_sets_too_early_does_not_count() {
    let (database, mut client, tenant) = with_one_tenant();
    let role = format!("writer_of_{}", database.name());
    client.batch_execute(&format!("CREATE ROLE {role} LOGIN; GRANT INSERT ON audits TO {role}")).unwrap();
    let mut writer = database.connect_as(&role);
    writer.batch_execute("SET pg_af.early_release = off").unwrap();
    writer.execute(INSERT, &[&tenant, &Uuid::new_v4()]).unwrap();
    let setting: String = writer.query_one("SHOW pg_af.early_release", &[]).unwrap().get(0);
    assert_eq!(setting, "auto");
    assert_eq!(sqlstate(writer.batch_execute("SET pg_af.early_release = off")), "42501");
    drop(writer);
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

/// Private memory of a session's process, in bytes.
fn private_memory(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux says so");
    1024 * line.trim().trim_end_matches(" kB").parse::<i64>().unwrap()
}

#[test]
fn a_transaction_may_feed_thousands_of_chains_and_keeps_nothing_of_them() {
    const CHAINS: i32 = 3_000;
    let database = Database::new();
    let mut client = database.connect();
    client
        .execute("INSERT INTO tenants (name) SELECT n::text FROM generate_series(1, $1) AS n", &[&CHAINS])
        .unwrap();
    let pid = backend_pid(&mut client);
    let mut used = Vec::new();
    for _ in 0..6 {
        let mut transaction = client.transaction().unwrap();
        for _ in 0..2 {
            let sql = "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) \
                       SELECT id, 'user', 'someone', 'read', 'document' FROM tenants";
            transaction.execute(sql, &[]).unwrap();
        }
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'userlock' AND pid = pg_backend_pid()";
        assert_eq!(transaction.query_one(held, &[]).unwrap().get::<_, i64>(0), i64::from(CHAINS));
        transaction.commit().unwrap();
        used.push(private_memory(pid));
    }
    let growth = used[5] - used[1];
    assert!(growth < 1 << 20, "from the second to the sixth transaction, it grew by {growth}: {used:?}");
    assert_eq!(whole_chains(&mut client).values().filter(|entries| **entries == 12).count(), 3_000);
}
