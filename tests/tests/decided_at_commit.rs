//! Early release is decided when the transaction has done all that it does, whatever it does at its commit: an entry
//! that a deferred trigger adds counts, and a commit that PostgreSQL flushes by itself still waits for standbys.
//!
//! The server waits for a standby that does not exist. So a commit is seen to wait for as long as the test likes, and what
//! others can do meanwhile does not depend on how fast anything is.

use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{backend_pid, connect, create_ledger, options};
use af_tests::ledger::{INSERT, add_tenant, whole_chains};
use af_tools::throwaway::Server;
use postgres::Client;
use uuid::Uuid;

/// A server whose standby never answers, with early release on.
fn server_without_its_standby() -> (Server, Client, Uuid) {
    let mut options = options();
    // The observer is to see and do without waiting itself.
    let settings = [("synchronous_standby_names", "nobody"), ("synchronous_commit", "local")];
    options.settings.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let server = Server::start(&options).unwrap();
    server.create_database("ledger").unwrap();
    let mut observer = connect(&server.url("ledger"));
    create_ledger(&mut observer);
    observer.batch_execute("ALTER DATABASE ledger SET pg_af.early_release = on").unwrap();
    let tenant = add_tenant(&mut observer, "one");
    (server, observer, tenant)
}

fn wait_until_it_waits_for_a_standby(observer: &mut Client, pid: i32) {
    let waits = "SELECT wait_event IS NOT DISTINCT FROM 'SyncRep' FROM pg_stat_activity WHERE pid = $1";
    let deadline = Instant::now() + Duration::from_secs(10);
    while !observer.query_one(waits, &[&pid]).unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "the commit was expected to wait for a standby");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Commits what `work` does in a transaction of its own, at the usual `synchronous_commit`, and looks whether another
/// session can chain on while that commit waits.
fn goes_on_while_it_commits(server: &Server, observer: &mut Client, tenant: Uuid, work: &str) {
    let before = whole_chains(observer).get(&tenant).copied().unwrap_or(0);
    let mut committer = connect(&server.url("ledger"));
    let pid = backend_pid(&mut committer);
    committer.batch_execute(&format!("SET synchronous_commit = on; BEGIN; {work}")).unwrap();
    thread::scope(|scope| {
        let commit = scope.spawn(move || {
            committer.batch_execute("COMMIT").unwrap();
            committer.query_one("SHOW synchronous_commit", &[]).unwrap().get::<_, String>(0)
        });
        wait_until_it_waits_for_a_standby(observer, pid);
        let mut other = connect(&server.url("ledger"));
        other.batch_execute("SET lock_timeout = '10s'").unwrap();
        other.execute(INSERT, &[&tenant, &Uuid::new_v4()]).expect("the chain is free");
        assert!(!commit.is_finished(), "nobody has answered for the standby");
        // Gives up the wait, with a warning: the transaction is committed here all the same.
        observer.execute("SELECT pg_cancel_backend($1)", &[&pid]).unwrap();
        assert_eq!(commit.join().unwrap(), "on", "the setting is what it was");
    });
    assert_eq!(whole_chains(observer), [(tenant, before + 2)].into(), "{work}");
    let locks = observer.query_one("SELECT count(*) FROM pg_locks WHERE locktype = 'userlock'", &[]);
    assert_eq!(locks.unwrap().get::<_, i64>(0), 0, "{work}");
}

fn insert_of(tenant: Uuid) -> String {
    format!(
        "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) \
         VALUES ('{tenant}', 'user', 'someone', 'read', 'document')"
    )
}

#[test]
fn an_entry_that_a_deferred_trigger_adds_counts() {
    let (server, mut observer, tenant) = server_without_its_standby();
    let sql = format!(
        "CREATE TABLE orders (id integer);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER note AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION note()",
        insert_of(tenant)
    );
    observer.batch_execute(&sql).unwrap();
    // With the library loaded before, and in a session whose first use of it is within the commit.
    goes_on_while_it_commits(
        &server,
        &mut observer,
        tenant,
        "SELECT af_version(); INSERT INTO orders VALUES (1)",
    );
    goes_on_while_it_commits(&server, &mut observer, tenant, "INSERT INTO orders VALUES (1)");
}

#[test]
fn a_commit_that_is_flushed_anyway_waits_for_standbys_too() {
    let (server, mut observer, tenant) = server_without_its_standby();
    observer.batch_execute("CREATE TABLE scratch (id integer)").unwrap();
    let work = format!("{}; DROP TABLE scratch", insert_of(tenant));
    goes_on_while_it_commits(&server, &mut observer, tenant, &work);
}

#[test]
fn savepoints_that_were_released_or_rolled_back_make_no_difference() {
    let (server, mut observer, tenant) = server_without_its_standby();
    let insert = insert_of(tenant);
    let work = format!(
        "SAVEPOINT a; SAVEPOINT b; {insert}; RELEASE b; ROLLBACK TO a; SAVEPOINT c; {insert}; RELEASE c; RELEASE a; \
         SAVEPOINT d; {insert}; ROLLBACK TO d"
    );
    goes_on_while_it_commits(&server, &mut observer, tenant, &work);
}
