//! `af-tools audit verify --jobs` says what one session says, of one moment, and fails as one. That this holds for every way
//! of tampering is tested where the tampering is (`tampering.rs`).

use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, connect, create_ledger, options};
use af_tests::ledger::{add_entries, add_tenant, disable_triggers, insert, with_one_tenant};
use af_tests::tools::{self, Run, finish};
use af_tools::audit::verify::Options;
use af_tools::throwaway::Server;
use af_tools::watch::{Unwatched, Watch};
use postgres::Client;
use serde_json::json;
use uuid::Uuid;

fn by_jobs(url: &str, jobs: &str, arguments: &[&str]) -> Run {
    tools::run(&[&["--url", url, "--json", "audit", "verify", "--jobs", jobs], arguments].concat())
}

fn divided(entries: u64) -> Options {
    Options { range_entries: Some(entries), ..Options::new() }
}

#[test]
fn any_number_of_jobs_exits_alike() {
    let (database, mut client, tenant) = with_one_tenant();
    let url = database.url();
    let codes = |arguments: &[&str]| ["1", "2", "5"].map(|jobs| by_jobs(&url, jobs, arguments).code.unwrap());
    assert_eq!(codes(&[]), [4; 3]);
    assert_eq!(codes(&["--allow-empty"]), [0; 3]);
    add_entries(&mut client, tenant, 500);
    assert_eq!(codes(&[]), [0; 3]);
    assert_eq!(codes(&["--tenant", &Uuid::new_v4().to_string()]), [4; 3]);
    disable_triggers(&mut client);
    client.batch_execute("UPDATE audits SET action = 'x' WHERE seq % 50 = 7").unwrap();
    assert_eq!(codes(&["--max-findings", "3"]), [3; 3]);
    let run = by_jobs(&url, "2", &["--in-database"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(by_jobs(&url, "0", &[]).code == Some(2) && by_jobs(&url, "65", &[]).code == Some(2));
}

#[test]
fn many_chains_of_any_length_are_read_whole() {
    let database = Database::new();
    let mut client = database.connect();
    for (n, entries) in [1, 400, 3, 0, 90, 1, 1, 250].into_iter().enumerate() {
        let tenant = add_tenant(&mut client, &format!("tenant {n}"));
        add_entries(&mut client, tenant, entries);
    }
    let url = database.url();
    let one = tools::verify_by(&url, 0, &Options::new(), &mut Unwatched);
    assert_eq!((&one["status"], &one["entries"]), (&json!("ok"), &json!(746)));
    for entries in [1, 2, 50, 100, 1_000] {
        for jobs in [0, 1, 4] {
            let divided = tools::verify_by(&url, jobs, &divided(entries), &mut Unwatched);
            assert_eq!(divided, one, "ranges of {entries}, {jobs} jobs");
        }
    }
}

/// Entries that have no tenant or no position are in some range too, and only the first findings are kept.
#[test]
fn what_belongs_to_no_range_is_found() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 300);
    let other = add_tenant(&mut client, "other");
    add_entries(&mut client, other, 30);
    disable_triggers(&mut client);
    client
        .batch_execute(&format!(
            "ALTER TABLE audits DROP CONSTRAINT audits_pkey, DROP CONSTRAINT audits_tenant_id_fkey,
                 ALTER tenant_id DROP NOT NULL, ALTER seq DROP NOT NULL;
             ALTER TABLE audits DROP CONSTRAINT IF EXISTS audits_seq_check;
             CREATE INDEX ON audits (tenant_id, seq);
             UPDATE audits SET seq = NULL WHERE seq = 300;
             UPDATE audits SET tenant_id = NULL WHERE tenant_id = '{tenant}' AND seq IN (20, 21);
             UPDATE audits SET seq = -5 WHERE seq = 22;
             UPDATE audits SET seq = 9223372036854775807 WHERE seq = 120"
        ))
        .unwrap();
    let url = database.url();
    for max_findings in [0, 1, 5, 1_000] {
        let options = |range_entries| Options { max_findings, range_entries, ..Options::new() };
        let one = tools::verify_by(&url, 0, &options(None), &mut Unwatched);
        assert_eq!(one["chains"].as_array().unwrap().len(), 3, "{one}");
        for entries in [7, 64, 1 << 50, 1 << 60] {
            let several = tools::verify_by(&url, 3, &options(Some(entries)), &mut Unwatched);
            assert_eq!(several, one, "ranges of {entries}");
        }
    }
    assert_eq!(by_jobs(&url, "3", &[]).code, Some(3));
}

/// Inserts when the snapshot has been taken, and before any job has joined it.
struct Meanwhile<'a>(&'a mut Client, Uuid);

impl Watch for Meanwhile<'_> {
    fn begin(&mut self, _: Option<u64>) {
        for _ in 0..10 {
            insert(self.0, self.1);
        }
    }
}

#[test]
fn all_jobs_see_one_moment() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 200);
    let seen = tools::verify_by(&database.url(), 3, &divided(10), &mut Meanwhile(&mut client, tenant));
    assert_eq!((&seen["status"], &seen["entries"]), (&json!("ok"), &json!(200)));
    let seen = tools::verify_by(&database.url(), 3, &divided(10), &mut Unwatched);
    assert_eq!(seen["entries"], 210);
}

#[test]
fn a_job_that_is_killed_ends_them_all() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 200_000);
    let url = database.url();
    let started =
        tools::command(&["--url", &url, "--json", "audit", "verify", "--jobs", "3"]).spawn().unwrap();
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
                WHERE datname = current_database() AND query LIKE 'COPY%' AND state = 'active' LIMIT 1) AS job";
    let deadline = Instant::now() + Duration::from_secs(30);
    while client.query_one(kill, &[]).unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < deadline, "no job was seen");
        thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    let run = finish(started);
    assert!(begun.elapsed() < Duration::from_secs(10), "the others went on");
    assert_eq!(run.code, Some(1), "{run:?}");
    let document = run.json();
    assert!(document["error"]["message"].as_str().unwrap().starts_with("read entries"), "{document}");
    // Nobody is left behind.
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    af_tests::database::wait_for_count(&mut client, sessions, 0);
}

#[test]
fn without_the_index_one_session_does_it_and_says_so() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 100);
    disable_triggers(&mut client);
    client.batch_execute("ALTER TABLE audits DROP CONSTRAINT audits_pkey").unwrap();
    let run = by_jobs(&database.url(), "2", &[]);
    assert_eq!((run.code, &run.json()["result"]["jobs"]), (Some(0), &json!(1)), "{run:?}");
    assert!(run.stderr.contains("no index on (tenant_id, seq)"), "{run:?}");
}

#[test]
fn row_level_security_applies_to_every_job() {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 300);
    client
        .batch_execute(
            "CREATE ROLE jobs_auditor LOGIN; GRANT af_auditor TO jobs_auditor;
             CREATE ROLE jobs_app LOGIN; GRANT af_app TO jobs_app",
        )
        .unwrap();
    let run = by_jobs(&database.url_as("jobs_auditor"), "3", &[]);
    assert_eq!((run.code, &run.json()["result"]["entries"]), (Some(0), &json!(300)), "{run:?}");
    let run = by_jobs(&database.url_as("jobs_app"), "3", &[]);
    assert_eq!((run.code, &run.json()["result"]["status"]), (Some(4), &json!("partial")), "{run:?}");
    drop(client);
    drop(database);
}

#[test]
fn a_hot_standby_exports_its_snapshot_too() {
    let primary = Server::start(&options()).unwrap();
    primary.create_database("ledger").unwrap();
    let mut client = connect(&primary.url("ledger"));
    create_ledger(&mut client);
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 20_000);
    let standby = primary.standby(&options()).unwrap();
    let run = by_jobs(&standby.url("ledger"), "2", &[]);
    assert_eq!((run.code, &run.json()["result"]["entries"]), (Some(0), &json!(20_000)), "{run:?}");
    assert_eq!(run.json()["result"]["jobs"], 2);
}

#[test]
fn memory_does_not_grow_with_the_entries() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 20_000);
    let url = database.url();
    let peak = |entries: i64| {
        let mut run =
            tools::command(&["--url", &url, "--json", "audit", "verify", "--jobs", "4"]).spawn().unwrap();
        let mut peak = 0;
        while run.try_wait().unwrap().is_none() {
            peak = peak.max(tools::peak_memory_kb(run.id()));
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(finish(run).json()["result"]["entries"], entries);
        peak
    };
    let small = peak(20_000);
    add_entries(&mut client, tenant, 280_000);
    let large = peak(300_000);
    assert!(large < 60_000 && large < small + 10_000, "{small} kB, then {large} kB");
}

/// What is verified is made durable first by the extension's own function, if it can be called at all.
#[test]
fn a_copy_on_a_server_without_the_library_is_verified_too() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 10);
    client
        .batch_execute("UPDATE pg_proc SET probin = '$libdir/not there' WHERE proname = 'af_wal_flush'")
        .unwrap();
    drop(client);
    for jobs in ["1", "2"] {
        let run = by_jobs(&database.url(), jobs, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}
