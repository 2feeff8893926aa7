//! What `audit_checkpoints` says of the chains is compared with them in the moment in which they are read, whatever happens
//! at the same time; also on a standby, and by `af-tools audit verify --in-database`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, connect, options, wait_for_count};
use af_tests::ledger::{
    Chain, add_entries, add_tenant, disable_triggers, enable_triggers, findings, insert, small_ledger, verify,
};
use af_tests::tools;
use af_tools::throwaway::Server;
use postgres::{Client, GenericClient, IsolationLevel};
use serde_json::json;
use uuid::Uuid;

/// Records every tenant's chain as it is now.
const RECORD: &str = "INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note) \
                      SELECT tenant_id, 1, seq, hash, hash, 'example.org/log', 'a note' FROM audits AS a \
                      WHERE seq = (SELECT max(seq) FROM audits WHERE tenant_id = a.tenant_id) ON CONFLICT DO NOTHING";

/// A ledger with two tenants of 50 entries each, recorded.
fn recorded() -> (Database, Client, [Uuid; 2]) {
    let database = Database::migrated();
    let mut client = database.connect();
    let mut tenants = ["one", "other"].map(|name| add_tenant(&mut client, name));
    tenants.sort();
    for tenant in tenants {
        add_entries(&mut client, tenant, 50);
    }
    client.batch_execute(RECORD).unwrap();
    (database, client, tenants)
}

fn cut(client: &mut impl GenericClient, tenant: Uuid, behind: i64) {
    disable_triggers(client);
    client.execute("DELETE FROM audits WHERE tenant_id = $1 AND seq > $2", &[&tenant, &behind]).unwrap();
    enable_triggers(client);
}

fn found(chains: &[Chain]) -> Vec<Option<(String, i64)>> {
    chains.iter().map(|chain| Some((chain.finding.clone()?, chain.first_bad_seq?))).collect()
}

fn truncated(seq: i64) -> Option<(String, i64)> {
    Some(("truncated".to_owned(), seq))
}

#[test]
fn what_is_recorded_while_a_chain_is_read_is_not_held_against_it() {
    let (database, mut client, [tenant, _]) = recorded();
    let is_over = AtomicBool::new(false);
    let recorded = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut client = database.connect();
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                insert(&mut client, tenant);
                count += client.execute(RECORD, &[]).unwrap();
            }
            count
        });
        let until = Instant::now() + Duration::from_secs(3);
        let mut rounds = 0;
        while Instant::now() < until {
            for way in ["'1TB'", "0"] {
                client.batch_execute(&format!("SET min_parallel_table_scan_size = {way}")).unwrap();
                let sql = "SELECT count(*) FILTER (WHERE status = 'ok'), count(*), \
                                  (SELECT count(*) FROM af_audit_findings()) FROM af_audit_verify()";
                let row = client.query_one(sql, &[]).unwrap();
                assert_eq!((row.get(0), row.get(1), row.get(2)), (2_i64, 2_i64, 0_i64), "{way}");
                rounds += 1;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(rounds > 10, "only {rounds} rounds");
        writer.join().unwrap()
    });
    assert!(recorded > 10, "only {recorded} checkpoints were recorded");
    assert_eq!(found(&verify(&mut client)), [None, None]);
}

#[test]
fn a_snapshot_shows_chain_and_checkpoint_of_one_time() {
    let (database, mut client, [tenant, _]) = recorded();
    let mut other = database.connect();
    let mut transaction =
        other.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().unwrap();
    assert_eq!(found(&verify(&mut transaction)), [None, None]);
    insert(&mut client, tenant);
    client.batch_execute(RECORD).unwrap();
    assert_eq!(found(&verify(&mut transaction)), [None, None], "neither is seen");
    drop(transaction);
    cut(&mut client, tenant, 50);
    let mut transaction = other.transaction().unwrap();
    assert_eq!(found(&verify(&mut transaction)), [truncated(51), None], "both are");
    // What this transaction records itself counts as well, in a function that sees only the snapshot of its call too.
    transaction.batch_execute("SAVEPOINT s").unwrap();
    insert(&mut transaction, tenant);
    assert_eq!(found(&verify(&mut transaction)), [Some(("rewritten".to_owned(), 51)), None]);
    transaction.batch_execute("ROLLBACK TO s").unwrap();
    transaction
        .batch_execute(
            "CREATE FUNCTION pg_temp.told() RETURNS SETOF text LANGUAGE plpgsql STABLE AS \
             'BEGIN RETURN QUERY SELECT finding FROM af_audit_verify() WHERE finding IS NOT NULL; END'",
        )
        .unwrap();
    let told = transaction.query("SELECT pg_temp.told()", &[]).unwrap();
    assert_eq!(told.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), ["truncated"]);
}

#[test]
fn af_tools_show_it_as_it_is_when_the_database_verifies() {
    let (database, mut client, [first, second]) = recorded();
    let run = |arguments: &[&str]| {
        tools::run(
            &[&["--url", &database.url(), "--json", "audit", "verify", "--in-database"], arguments].concat(),
        )
    };
    assert_eq!(run(&[]).code, Some(0));
    cut(&mut client, first, 47);
    cut(&mut client, second, 0);
    let detail = "SELECT detail FROM af_audit_findings() WHERE tenant_id = $1";
    let mut expected = [(first, 48), (second, 1)].map(|(tenant, seq)| {
        let detail: String = client.query_one(detail, &[&tenant]).unwrap().get(0);
        json!({"tenant_id": tenant, "seq": seq, "id": null, "finding": "truncated", "detail": detail})
    });
    let all = run(&[]);
    assert_eq!(all.code, Some(3), "{all:?}");
    let result = all.json()["result"].clone();
    assert_eq!(result["findings"], json!(expected));
    assert_eq!((&result["status"], &result["entries"]), (&json!("tampered"), &json!(47)));
    // A chain that is gone is not nothing to check.
    let one = run(&["--tenant", &second.to_string()]);
    assert_eq!(
        (one.code, &one.json()["result"]["findings"]),
        (Some(3), &json!([expected[1].take()])),
        "{one:?}"
    );
    // From outside, the rows alone are read.
    let outside = tools::run(&["--url", &database.url(), "audit", "verify", "--tenant", &first.to_string()]);
    assert_eq!(outside.code, Some(0), "{outside:?}");
}

#[test]
fn a_standby_compares_too() {
    let primary = Server::start(&options()).unwrap();
    let mut client = small_ledger(&primary);
    client.batch_execute(RECORD).unwrap();
    let standby = primary.standby(&options()).unwrap();
    let mut there = connect(&standby.url("ledger"));
    wait_for_count(&mut there, "SELECT count(*) FROM audit_checkpoints", 1);
    assert_eq!(found(&verify(&mut there)), [None]);
    let tenant = verify(&mut client)[0].tenant.unwrap();
    cut(&mut client, tenant, 7);
    wait_for_count(&mut there, "SELECT count(*) FROM audits", 7);
    assert_eq!(found(&verify(&mut there)), [truncated(8)]);
    assert_eq!(findings(&mut there).len(), 1);
}

#[test]
fn many_checkpoints_cost_no_more_than_few() {
    let (_database, mut client, [tenant, _]) = recorded();
    let more = "INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note) \
                SELECT t.id, 1, n, sha256(n::text::bytea), sha256(n::text::bytea), 'example.org/log', repeat('n', 500) \
                FROM tenants AS t, generate_series(1, 20000) AS n WHERE n <> 50";
    client.batch_execute(more).unwrap();
    client.batch_execute("ANALYZE").unwrap();
    fn read(client: &mut impl GenericClient) -> i64 {
        let sql = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'audit_checkpoints'";
        client.query_one(sql, &[]).unwrap().get(0)
    }
    let mut transaction = client.transaction().unwrap();
    let before = read(&mut transaction);
    let all = "SELECT count(*) FROM af_audit_verify() WHERE finding = 'truncated'";
    assert_eq!(transaction.query_one(all, &[]).unwrap().get::<_, i64>(0), 2);
    let after_all = read(&mut transaction);
    let one = "SELECT count(*) FROM af_audit_verify($1) WHERE finding = 'truncated'";
    assert_eq!(transaction.query_one(one, &[&tenant]).unwrap().get::<_, i64>(0), 1);
    let after_one = read(&mut transaction);
    assert!(after_all - before < 10 && after_one - after_all < 5, "{before} {after_all} {after_one}");
}
