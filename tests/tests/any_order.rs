//! A large ledger is verified in whatever order its entries are read fastest, by parallel workers, and only what does not
//! come out as intact is walked in order. (That both ways find the same, whatever was done to the entries: every test
//! that asks for findings asks both.)

use af_tests::database::Database;
use af_tests::ledger::{add_entries, add_tenant, both_ways, disable_triggers, verify};
use postgres::error::SqlState;
use postgres::{Client, GenericClient};
use uuid::Uuid;

const ANY_ORDER: &str = "SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; \
                         SET max_parallel_workers_per_gather = 2";
const VERIFY: &str = "SELECT count(*) FROM af_audit_verify()";

fn ledger(entries: i32) -> (Database, Client, [Uuid; 3]) {
    let database = Database::new();
    let mut client = database.connect();
    let tenants = ["a", "b", "c"].map(|name| add_tenant(&mut client, name));
    for tenant in tenants {
        add_entries(&mut client, tenant, entries);
    }
    client.batch_execute("ANALYZE audits").unwrap();
    (database, client, tenants)
}

/// How many scans of the whole table, and by its indexes, a query makes in this process.
fn scans(client: &mut Client, sql: &str) -> (i64, i64) {
    fn count(client: &mut impl GenericClient) -> (i64, i64) {
        let sql = "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'audits'";
        let row = client.query_one(sql, &[]).unwrap();
        (row.get(0), row.get(1))
    }
    let mut transaction = client.transaction().unwrap();
    let before = count(&mut transaction);
    transaction.batch_execute(sql).unwrap();
    let after = count(&mut transaction);
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn parallel_workers_share_the_work() {
    let (_database, mut client, _) = ledger(2_000);
    client.batch_execute(ANY_ORDER).unwrap();
    let sql = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) \
               SELECT af_audit_tally('0123456789abcdef', tenant_id, seq, id, ts, actor_type, actor_id, action, \
                      resource_type, resource_id, details, hash_version, prev_hash, hash) FROM audits";
    let plan: Vec<String> = client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("Workers Launched: ") && !plan.contains("Workers Launched: 0"), "{plan}");
    assert!(plan.contains("Partial Aggregate") && plan.contains("Parallel Seq Scan on audits"), "{plan}");
}

#[test]
fn large_tables_are_read_in_any_order_and_only_what_fails_by_index() {
    let (_database, mut client, [_, tenant, _]) = ledger(1_000);
    assert_eq!(scans(&mut client, VERIFY), (0, 1), "smaller than what PostgreSQL would read in parallel");
    client.batch_execute("SET min_parallel_table_scan_size = '64kB'").unwrap();
    assert_eq!(scans(&mut client, VERIFY), (1, 0), "larger");
    client.batch_execute("SET max_parallel_workers_per_gather = 0").unwrap();
    assert_eq!(scans(&mut client, VERIFY), (1, 0), "worthwhile without workers too");
    let one = format!("SELECT * FROM af_audit_verify('{tenant}')");
    assert_eq!(scans(&mut client, &one), (0, 1), "one tenant");

    disable_triggers(&mut client);
    client.execute("UPDATE audits SET action = 'x' WHERE tenant_id = $1 AND seq = 500", &[&tenant]).unwrap();
    assert_eq!(scans(&mut client, VERIFY), (1, 1), "one tenant fails");
    let sql = "SELECT v::text, first_bad_seq FROM af_audit_verify() AS v WHERE status = 'tampered'";
    let found: Vec<i64> = both_ways(&mut client, sql, |row| row.get(1));
    assert_eq!(found, [500]);
}

#[test]
fn it_stops_when_it_is_told() {
    let (_database, mut client, _) = ledger(20_000);
    client.batch_execute(&format!("{ANY_ORDER}; SET statement_timeout = 1")).unwrap();
    let error = client.query(VERIFY, &[]).expect_err("60,000 entries take longer than that");
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED), "{error:?}");
    client.batch_execute("RESET statement_timeout").unwrap();
    assert!(verify(&mut client).iter().all(|chain| chain.status == "ok" && chain.entries == 20_000));
}

#[test]
fn who_may_not_use_the_aggregate_verifies_in_order() {
    let (database, mut client, _) = ledger(100);
    let role = format!("{}_reader", database.name());
    client
        .batch_execute(&format!(
            "REVOKE EXECUTE ON FUNCTION af_audit_tally FROM PUBLIC; \
             CREATE ROLE {role} LOGIN; GRANT SELECT ON audits TO {role}"
        ))
        .unwrap();
    let mut reader = database.connect_as(&role);
    reader.batch_execute(ANY_ORDER).unwrap();
    assert_eq!(scans(&mut reader, VERIFY), (0, 1));
    assert!(verify(&mut reader).iter().all(|chain| chain.status == "ok" && chain.entries == 100));
}

#[test]
fn a_tenant_sees_its_own_chain_and_that_there_may_be_more() {
    let database = Database::migrated();
    let mut client = database.connect();
    let [tenant, other] = ["a", "b"].map(|name| add_tenant(&mut client, name));
    for tenant in [tenant, other] {
        add_entries(&mut client, tenant, 100);
    }
    client.batch_execute(&format!("SET ROLE af_app; SET af.tenant_id = '{tenant}'")).unwrap();
    let chains = verify(&mut client);
    let [chain] = &chains[..] else { panic!("{chains:?}") };
    assert_eq!((chain.tenant, chain.status.as_str(), chain.entries), (Some(tenant), "partial", 100));
}
