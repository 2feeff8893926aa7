//! Neither memory nor work grows with the rows of a transaction, nor with what was rolled back before.

use af_tests::ledger::{add_entries, insert, verify, whole_chains, with_one_tenant};
use postgres::GenericClient;
use uuid::Uuid;

/// What this session's memory contexts hold, in bytes.
fn memory(client: &mut impl GenericClient) -> i64 {
    client.query_one("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts", &[]).unwrap().get(0)
}

#[test]
fn memory_does_not_grow_with_the_rows_of_a_transaction() {
    let (_database, mut client, tenant) = with_one_tenant();
    let mut transaction = client.transaction().unwrap();
    let mut used = Vec::new();
    for _ in 0..10 {
        add_entries(&mut transaction, tenant, 20_000);
        used.push(memory(&mut transaction));
    }
    let growth = used[9] - used[0];
    assert!(growth < 256 * 1024, "from 20,000 to 200,000 rows, memory grew by {growth} bytes: {used:?}");
    transaction.commit().unwrap();
    assert!(verify(&mut client).iter().all(|chain| chain.status == "ok" && chain.entries == 200_000));
}

#[test]
fn memory_does_not_grow_within_a_statement() {
    let (_database, mut client, tenant) = with_one_tenant();
    // What one statement keeps until its end shows only from inside; this trigger, which comes after the chain's, looks.
    client
        .batch_execute(
            "CREATE TABLE used (n bigint, bytes bigint);
             CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF new.seq IN (10000, 100000) THEN
                     INSERT INTO used SELECT new.seq, sum(total_bytes) FROM pg_backend_memory_contexts;
                 END IF;
                 RETURN new;
             END $$;
             CREATE TRIGGER zzz_look BEFORE INSERT ON audits FOR EACH ROW EXECUTE FUNCTION look();
             -- PostgreSQL keeps each row's foreign key check until the end of the statement.
             ALTER TABLE audits DROP CONSTRAINT audits_tenant_id_fkey",
        )
        .unwrap();
    add_entries(&mut client, tenant, 100_000);
    let row = client.query_one("SELECT max(bytes) - min(bytes), count(*) FROM used", &[]).unwrap();
    assert_eq!(row.get::<_, i64>(1), 2);
    assert!(
        row.get::<_, i64>(0) < 256 * 1024,
        "from 10,000 to 100,000 rows, it grew by {} bytes",
        row.get::<_, i64>(0)
    );
}

/// How many pages an insertion touches.
fn pages_touched(client: &mut impl GenericClient, tenant: Uuid, rows: i32) -> i64 {
    let plan: serde_json::Value = client
        .query_one(
            &format!(
                "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) \
                 INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) \
                 SELECT '{tenant}', 'user', n, 'read', 'document' FROM generate_series(1, {rows}) AS n"
            ),
            &[],
        )
        .unwrap()
        .get(0);
    let node = &plan[0]["Plan"];
    ["Shared Hit Blocks", "Shared Read Blocks"].iter().map(|key| node[key].as_i64().expect(key)).sum()
}

#[test]
fn work_does_not_grow_with_the_rows_of_a_transaction() {
    let (_database, mut client, tenant) = with_one_tenant();
    let mut transaction = client.transaction().unwrap();
    let early = pages_touched(&mut transaction, tenant, 1_000);
    add_entries(&mut transaction, tenant, 100_000);
    let late = pages_touched(&mut transaction, tenant, 1_000);
    // The index is one level deeper by then.
    assert!(late < 2 * early, "1,000 rows touched {early} pages at first, and {late} after 100,000 rows");
    let one_statement = pages_touched(&mut transaction, tenant, 50_000);
    assert!(one_statement < 75 * late, "1,000 rows touched {late} pages, 50,000 rows {one_statement}");
}

#[test]
fn work_does_not_grow_with_what_was_rolled_back() {
    let (_database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    let mut transaction = client.transaction().unwrap();
    let early = pages_touched(&mut transaction, tenant, 10);
    for _ in 0..2_000 {
        let mut savepoint = transaction.savepoint("s").unwrap();
        insert(&mut savepoint, tenant);
        savepoint.rollback().unwrap();
    }
    let late = pages_touched(&mut transaction, tenant, 10);
    assert!(
        late < 20 * early,
        "10 rows touched {early} pages at first, and {late} after 2,000 rolled back rows"
    );
    transaction.commit().unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 21)].into());
}

/// Behind the chain's end the index keeps what a rolled back bulk insertion left there, until vacuum comes. A search
/// for the end from the far side waded through it for every row of the next one.
#[test]
fn a_rolled_back_bulk_insertion_does_not_slow_down_the_next() {
    let (_database, mut client, tenant) = with_one_tenant();
    client.batch_execute("ALTER TABLE audits SET (autovacuum_enabled = off)").unwrap();
    let mut rolled_back = || {
        let mut transaction = client.transaction().unwrap();
        let pages = pages_touched(&mut transaction, tenant, 20_000);
        transaction.rollback().unwrap();
        pages
    };
    let first = rolled_back();
    let later = [rolled_back(), rolled_back()];
    assert!(later.iter().all(|later| *later < 2 * first), "{first} pages at first, then {later:?}");
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 1)].into());
}
