//! `af-tools audit verify --since` reads what came since a recorded entry, and finds that this is gone or another.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::Database;
use af_tests::ledger::{add_entries, add_tenant, disable_triggers, insert, with_one_tenant};
use af_tests::tools::{self, Run};
use postgres::{Client, GenericClient};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

fn verify(url: &str, arguments: &[&str]) -> Run {
    tools::run(&[&["--url", url, "--json", "audit", "verify"], arguments].concat())
}

/// Its status, the number of entries that were read, and its findings.
fn since(url: &str, arguments: &[&str], code: i32) -> (String, u64, Vec<(String, i64)>) {
    let run = verify(url, arguments);
    assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
    let result = &run.json()["result"];
    let findings = result["findings"].as_array().unwrap().iter();
    let findings = findings
        .map(|found| (found["finding"].as_str().unwrap().to_owned(), found["seq"].as_i64().unwrap()))
        .collect();
    (result["status"].as_str().unwrap().to_owned(), result["entries"].as_u64().unwrap(), findings)
}

fn anchor(client: &mut impl GenericClient, tenant: Uuid, seq: i64) -> String {
    let sql = "SELECT encode(hash, 'hex') FROM audits WHERE tenant_id = $1 AND seq = $2";
    let hash: String = client.query_one(sql, &[&tenant, &seq]).unwrap().get(0);
    format!("{tenant}:{seq}:{hash}")
}

/// A database with one tenant and 100 entries, and the anchor at 60.
fn with_anchor() -> (Database, Client, Uuid, String) {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 100);
    let anchor = anchor(&mut client, tenant, 60);
    disable_triggers(&mut client);
    (database, client, tenant, anchor)
}

fn found(kind: &str, seq: i64) -> (String, i64) {
    (kind.to_owned(), seq)
}

#[test]
fn what_is_found_depends_on_what_was_done() {
    let (database, mut client, tenant, anchor) = with_anchor();
    let url = database.url();
    client.batch_execute("CREATE TABLE pristine AS TABLE audits").unwrap();
    let rehash = "UPDATE audits SET hash = af_audit_hash(prev_hash, hash_version, tenant_id, seq, id, actor_type, \
                  actor_id, action, resource_type, resource_id, details, ts)";
    let rewrite = format!(
        "UPDATE audits SET action = 'x' WHERE seq = 30;
         DO $$ DECLARE n int; BEGIN
             FOR n IN 30..100 LOOP
                 UPDATE audits AS a SET prev_hash = b.hash FROM audits AS b WHERE a.seq = n AND b.seq = n - 1;
                 {rehash} WHERE seq = n;
             END LOOP;
         END $$"
    );
    let resealed = format!("UPDATE audits SET action = 'x' WHERE seq = 60; {rehash} WHERE seq = 60");
    for (sql, entries, expected) in [
        ("SELECT", 40, vec![]),
        // What is older is not read.
        ("UPDATE audits SET action = 'x' WHERE seq = 59", 40, vec![]),
        ("UPDATE audits SET action = 'x' WHERE seq = 60", 40, vec![found("altered", 60)]),
        ("UPDATE audits SET action = 'x' WHERE seq = 61", 40, vec![found("altered", 61)]),
        (&resealed, 40, vec![found("rewritten", 60), found("relinked", 61)]),
        (&rewrite, 40, vec![found("rewritten", 60)]),
        ("DELETE FROM audits WHERE seq = 60", 40, vec![found("missing", 60)]),
        ("DELETE FROM audits WHERE seq BETWEEN 50 AND 70", 30, vec![found("missing", 60)]),
        ("DELETE FROM audits WHERE seq > 60", 0, vec![]),
        ("DELETE FROM audits WHERE seq >= 60", 0, vec![found("truncated", 60)]),
        ("DELETE FROM audits", 0, vec![found("truncated", 60)]),
        ("UPDATE audits SET hash = '\\x00' WHERE seq = 60", 40, vec![found("unsealed", 60)]),
    ] {
        client.batch_execute("ALTER TABLE audits DROP CONSTRAINT IF EXISTS audits_hash_check").unwrap();
        client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let status = if expected.is_empty() { "ok" } else { "tampered" };
        let code = if expected.is_empty() { 0 } else { 3 };
        for jobs in ["1", "2"] {
            let seen = since(&url, &["--since", &anchor, "--jobs", jobs], code);
            assert_eq!(seen, (status.to_owned(), entries, expected.clone()), "{sql}, {jobs} jobs");
        }
        let chain = format!("{tenant}");
        assert_eq!(since(&url, &["--since", &anchor, "--tenant", &chain], code).2, expected, "{sql}");
        client.batch_execute("DELETE FROM audits; INSERT INTO audits TABLE pristine").unwrap();
    }
}

/// The document of the last verification is what the next one begins with.
#[test]
fn a_document_leads_from_one_verification_to_the_next() {
    let database = Database::new();
    let mut client = database.connect();
    let tenants: Vec<Uuid> = (0..3).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();
    tenants.iter().for_each(|tenant| add_entries(&mut client, *tenant, 50));
    let url = database.url();
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let record = |name: &str, arguments: &[&str]| {
        let run = verify(&url, arguments);
        fs::write(path(name), &run.stdout).unwrap();
        run
    };
    assert_eq!(record("one", &[]).code, Some(0));
    insert(&mut client, tenants[0]);
    let new = add_tenant(&mut client, "new");
    add_entries(&mut client, new, 7);
    let run = record("two", &["--since", &path("one")]);
    assert_eq!((run.code, &run.json()["result"]["entries"]), (Some(0), &json!(8)), "{run:?}");
    let chains = run.json()["result"]["chains"].as_array().unwrap().clone();
    let of = |tenant: Uuid| chains.iter().find(|chain| chain["tenant_id"] == json!(tenant)).unwrap().clone();
    assert_eq!((&of(tenants[0])["after"]["seq"], &of(tenants[0])["head_seq"]), (&json!(50), &json!(51)));
    assert_eq!((&of(tenants[1])["entries"], &of(tenants[1])["head_seq"]), (&json!(0), &json!(50)));
    assert_eq!((&of(new)["after"], &of(new)["entries"]), (&Value::Null, &json!(7)));
    assert_eq!(since(&url, &["--since", &path("two")], 0), ("ok".to_owned(), 0, vec![]));
    let text = tools::run(&["--url", &url, "audit", "verify", "--since", &path("one")]).stdout;
    assert!(text.contains("entries before seq 50 were not read"), "{text}");
    assert!(text.contains("read in 3 chains: older entries were not"), "{text}");
    // One chain of the document, and one that is gone.
    let second = tenants[1].to_string();
    assert_eq!(since(&url, &["--since", &path("one"), "--tenant", &second], 0).1, 0);
    disable_triggers(&mut client);
    client.execute("DELETE FROM audits WHERE tenant_id = $1", &[&tenants[1]]).unwrap();
    assert_eq!(since(&url, &["--since", &path("two")], 3).2, [found("truncated", 50)]);
    // What found something vouches for nothing.
    let run = record("tampered", &["--since", &path("two")]);
    assert_eq!(run.code, Some(3));
    let run = verify(&url, &["--since", &path("tampered")]);
    assert_eq!(run.code, Some(1));
    assert!(run.json()["error"]["message"].as_str().unwrap().contains("vouches for nothing"), "{run:?}");
    assert_eq!(verify(&url, &["--since", &path("none")]).code, Some(1));
}

#[test]
fn bad_anchors_are_usage_errors() {
    let (database, _client, tenant, anchor) = with_anchor();
    let url = database.url();
    for arguments in [
        vec!["--since".to_owned(), format!("{tenant}:1:abc")],
        vec!["--since".to_owned(), anchor.clone(), "--since".to_owned(), anchor.clone()],
        vec!["--since".to_owned(), anchor.clone(), "--tenant".to_owned(), Uuid::new_v4().to_string()],
        vec!["--since".to_owned(), anchor, "--in-database".to_owned()],
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let run = verify(&url, &arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert_eq!(run.json()["exit_code"], 2);
    }
}

/// Only what came since is read: told by what the server counts, not by time.
#[test]
fn the_cost_is_that_of_what_came_since() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 50_000);
    let other = add_tenant(&mut client, "other");
    add_entries(&mut client, other, 20_000);
    let anchors = [anchor(&mut client, tenant, 49_900), anchor(&mut client, other, 20_000)];
    drop(client);
    // PostgreSQL 14 counts with a delay: what is known to have been read is waited for.
    let read = |at_least: i64| -> i64 {
        let sql = "SELECT coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0) FROM pg_stat_user_tables WHERE relname = 'audits'";
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let rows = database.connect().query_one(sql, &[]).unwrap().get(0);
            if rows >= at_least || Instant::now() > deadline {
                return rows;
            }
            thread::sleep(Duration::from_millis(50));
        }
    };
    // Each entry but the first of a chain has been chained to the one before.
    let mut before = read(69_998);
    for jobs in ["1", "2"] {
        let arguments = ["--since", &anchors[0], "--since", &anchors[1], "--jobs", jobs];
        assert_eq!(since(&database.url(), &arguments, 0), ("ok".to_owned(), 100, vec![]));
        let after = read(before + 102);
        let rows = after - before;
        assert!((102..200).contains(&rows), "{rows} rows were read, {jobs} jobs");
        before = after;
    }
}

/// How many rows of audits this transaction has read.
fn rows_fetched(client: &mut impl GenericClient) -> i64 {
    let sql = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'audits'";
    client.query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn in_the_database_too() {
    let (_database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 5_000);
    client.batch_execute("ANALYZE audits").unwrap();
    let mut transaction = client.transaction().unwrap();
    let before = rows_fetched(&mut transaction);
    let sql = "SELECT v.entries, v.head_seq, v.status \
               FROM audits AS a, af_audit_verify(a.tenant_id, a.seq, a.hash) AS v WHERE a.tenant_id = $1 AND a.seq = 4900";
    let row = transaction.query_one(sql, &[&tenant]).unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), (100_i64, 5_000_i64, "ok"));
    let cost = rows_fetched(&mut transaction) - before;
    assert!((100..110).contains(&cost), "{cost} rows were fetched for 100 entries");
}
