//! One session migrates a database at a time: the others wait, are told for whom, give up, or are interrupted; one that is
//! killed leaves nothing half done.

use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, dumped_schema, wait_for_count};
use af_tests::ledger::add_tenant;
use af_tests::migrations::{Folder, hint, message, migrate, states, tables};
use af_tests::tools::{self, Run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn one_migrates_and_the_others_wait_or_are_told_who_does() {
    let database = Database::new();
    let url = &database.url();
    let folder = Folder::new(&[("1_slow.sql", "SELECT pg_sleep(1.5); CREATE TABLE slow ()")]);
    let mut observer = database.connect();
    thread::scope(|scope| {
        let first = scope.spawn(|| folder.migrate(url, &["up"], 0));
        let at_it =
            "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'";
        wait_for_count(&mut observer, &format!("SELECT count(*) {at_it}"), 1);
        let pid: i32 = observer.query_one(&format!("SELECT pid {at_it}"), &[]).unwrap().get(0);
        for arguments in [["up", "--lock-timeout", "50ms"], ["down", "--lock-timeout", "0s"]] {
            let document = folder.migrate(url, &arguments, 1);
            let words = format!("by server process {pid}, af-tools as postgres");
            assert!(message(&document).contains(&words), "{document}");
            assert!(hint(&document).contains("--lock-timeout"), "{document}");
        }
        // Reading needs no turn.
        assert_eq!(states(&folder.migrate(url, &["status"], 5)), [(1, "pending")]);
        let source = folder.argument();
        let second = tools::run(&["--url", url, "migrate", "up", "--source", source]);
        assert_eq!(second.code, Some(0), "{second:?}");
        assert!(
            second
                .stderr
                .contains(&format!("waiting for another migration of this database: server process {pid}")),
            "{second:?}"
        );
        assert!(second.stdout.contains("nothing to apply"), "{second:?}");
        assert_eq!(states(&first.join().unwrap()), [(1, "applied")]);
    });
    migrate(url, &["up", "--lock-timeout", "never"], 2);
}

#[test]
fn a_lock_on_a_table_is_not_waited_for_longer_than_wanted() {
    let database = Database::new();
    let url = &database.url();
    let folder = Folder::new(&[
        ("1_a.up.sql", "CREATE TABLE a ()"),
        ("1_a.down.sql", "DROP TABLE a"),
        ("2_b.sql", "CREATE TABLE b ();\nALTER TABLE a ADD COLUMN n int"),
    ]);
    folder.migrate(url, &["up", "--to", "1"], 0);
    let mut reader = database.connect();
    let mut transaction = reader.transaction().unwrap();
    transaction.batch_execute("SELECT FROM a").unwrap();
    for (arguments, line) in [(["up", "--lock-timeout", "50ms"], 2), (["down", "--lock-timeout", "50ms"], 1)]
    {
        let document = folder.migrate(url, &arguments, 1);
        assert!(message(&document).contains(&format!("line {line} (")), "{document}");
        assert!(message(&document).contains("lock timeout [SQLSTATE 55P03]"), "{document}");
    }
    transaction.commit().unwrap();
    assert_eq!(tables(&mut reader), ["_sqlx_migrations", "a", "audits", "tenants"]);
}

#[test]
fn who_stops_waiting_is_gone_at_once() {
    let database = Database::new();
    let folder = Folder::new(&[("1_slow.sql", "SELECT pg_sleep(60)")]);
    let url = database.url();
    let start = || {
        let source = folder.argument();
        tools::command(&["--url", &url, "migrate", "up", "--source", source]).spawn().unwrap()
    };
    let mut observer = database.connect();
    let first = start();
    let runs = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)'";
    wait_for_count(&mut observer, runs, 1);
    let second = start();
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait_for_count(&mut observer, waits, 1);
    let began = Instant::now();
    for child in [second, first] {
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
        let run: Run = tools::finish(child);
        assert_eq!(run.code, Some(130), "{run:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(states(&folder.migrate(&url, &["status"], 5)), [(1, "pending")]);
}

#[test]
fn a_backend_that_is_killed_in_the_middle_leaves_nothing_half_done() {
    let database = Database::new();
    let url = &database.url();
    let folder =
        Folder::new(&[("1_slow.sql", "CREATE TABLE half (); LOCK TABLE audits; SELECT pg_sleep(60)")]);
    let before = dumped_schema(url);
    let (mut holder, mut observer) = (database.connect(), database.connect());
    let tenant = add_tenant(&mut observer, "one");
    let mut transaction = holder.transaction().unwrap();
    transaction.execute("SELECT FROM audits WHERE tenant_id = $1", &[&tenant]).unwrap();
    thread::scope(|scope| {
        let up = scope.spawn(|| folder.migrate(url, &["up"], 1));
        let waiting = "FROM pg_locks WHERE NOT granted AND relation = 'audits'::regclass";
        wait_for_count(&mut observer, &format!("SELECT count(*) {waiting}"), 1);
        let pid: i32 = observer.query_one(&format!("SELECT pid {waiting}"), &[]).unwrap().get(0);
        observer.execute("SELECT pg_terminate_backend($1)", &[&pid]).unwrap();
        assert!(message(&up.join().unwrap()).contains("apply migration 1"));
    });
    drop(transaction);
    assert_eq!(dumped_schema(url), before);
}
