//! Whatever way rows come in or are thrown away on the way, each chain is whole afterwards.

use std::io::Write;
use std::thread;

use af_tests::database::{backend_pid, sqlstate, wait_until_blocked};
use af_tests::ledger::{INSERT, add_tenant, contents, entries, insert, whole_chains, with_one_tenant};
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::Type;
use uuid::Uuid;

#[test]
fn rolled_back_savepoints_leave_no_gap() {
    let (_database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    let mut transaction = client.transaction().unwrap();
    insert(&mut transaction, tenant);
    let mut outer = transaction.savepoint("outer_one").unwrap();
    insert(&mut outer, tenant);
    let mut inner = outer.savepoint("inner_one").unwrap();
    insert(&mut inner, tenant);
    inner.commit().unwrap();
    insert(&mut outer, tenant);
    outer.rollback().unwrap();
    insert(&mut transaction, tenant);
    // The same savepoint, rolled back to more than once.
    transaction.batch_execute("SAVEPOINT again").unwrap();
    for _ in 0..3 {
        insert(&mut transaction, tenant);
        insert(&mut transaction, tenant);
        transaction.batch_execute("ROLLBACK TO SAVEPOINT again").unwrap();
    }
    insert(&mut transaction, tenant);
    transaction.commit().unwrap();
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 5)].into());
}

#[test]
fn exception_blocks_leave_no_gap() {
    let (_database, mut client, tenant) = with_one_tenant();
    client
        .batch_execute(&format!(
            "DO $$ BEGIN
                 FOR n IN 1..100 LOOP
                     BEGIN
                         INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type)
                         VALUES ('{tenant}', 'user', n, 'read', 'document');
                         IF n % 3 = 0 THEN RAISE EXCEPTION 'no'; END IF;
                         IF n % 5 = 0 THEN PERFORM 1 / 0; END IF;
                     EXCEPTION WHEN OTHERS THEN
                         IF n % 2 = 0 THEN
                             INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type)
                             VALUES ('{tenant}', 'user', n, 'failed to read', 'document');
                         END IF;
                     END;
                 END LOOP;
             END $$"
        ))
        .unwrap();
    // Of 1 to 100, 47 are divisible by 3 or 5, and 23 of those are even.
    assert_eq!(whole_chains(&mut client), [(tenant, 53 + 23)].into());
}

#[test]
fn a_statement_that_fails_half_way_stores_nothing() {
    let (_database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    let half_way = format!(
        "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) \
         SELECT '{tenant}', 'user', n, CASE WHEN n < 50 THEN 'read' END, 'document' FROM generate_series(1, 100) AS n"
    );
    assert_eq!(sqlstate(client.batch_execute(&half_way)), "23502");
    assert_eq!(entries(&mut client), 1);
    let mut transaction = client.transaction().unwrap();
    insert(&mut transaction, tenant);
    let mut savepoint = transaction.savepoint("s").unwrap();
    assert_eq!(sqlstate(savepoint.batch_execute(&half_way)), "23502");
    savepoint.rollback().unwrap();
    insert(&mut transaction, tenant);
    transaction.commit().unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 3)].into());
}

#[test]
fn rows_that_on_conflict_drops_leave_no_gap() {
    let (_database, mut client, tenant) = with_one_tenant();
    let ids = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
    for target in ["(id)", ""] {
        let stored = client
            .execute(
                &format!(
                    "INSERT INTO audits (tenant_id, id, actor_type, actor_id, action, resource_type) \
                     SELECT $1, id, 'user', 'someone', 'read', 'document' \
                     FROM unnest(ARRAY[$2, $2, $3, $2, $3, $4]::uuid[]) AS id ON CONFLICT {target} DO NOTHING"
                ),
                &[&tenant, &ids[0], &ids[1], &ids[2]],
            )
            .unwrap();
        // At first three are new; the second time, none is, and the statement succeeds all the same.
        assert_eq!(stored, if target.is_empty() { 0 } else { 3 });
        insert(&mut client, tenant);
    }
    assert_eq!(whole_chains(&mut client), [(tenant, 5)].into());

    // In one transaction, a dropped row as the last thing before a stored one.
    let mut transaction = client.transaction().unwrap();
    for _ in 0..10 {
        let sql = format!("{INSERT} ON CONFLICT DO NOTHING");
        assert_eq!(transaction.execute(&sql, &[&tenant, &ids[0]]).unwrap(), 0);
        insert(&mut transaction, tenant);
    }
    transaction.commit().unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 15)].into());
}

#[test]
fn on_conflict_do_update_is_refused() {
    let (_database, mut client, tenant) = with_one_tenant();
    let id = Uuid::new_v4();
    client.execute(INSERT, &[&tenant, &id]).unwrap();
    let sql = format!("{INSERT} ON CONFLICT (id) DO UPDATE SET action = 'edited'");
    assert_eq!(sqlstate(client.execute(&sql, &[&tenant, &id])), "55000");
    assert_eq!(whole_chains(&mut client), [(tenant, 1)].into());
}

#[test]
fn rows_that_a_later_trigger_drops_leave_no_gap() {
    let (_database, mut client, tenant) = with_one_tenant();
    client
        .batch_execute(
            "CREATE FUNCTION drop_some() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF (new.details->>'n')::int % 3 = 0 THEN RETURN NULL; END IF;
                 RETURN new;
             END $$;
             CREATE TRIGGER zzz_drop_some BEFORE INSERT ON audits FOR EACH ROW EXECUTE FUNCTION drop_some()",
        )
        .unwrap();
    let mut transaction = client.transaction().unwrap();
    for _ in 0..2 {
        let sql = "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) \
                   SELECT $1, 'user', 'someone', 'read', 'document', jsonb_build_object('n', n) \
                   FROM generate_series(1, 30) AS n";
        assert_eq!(transaction.execute(sql, &[&tenant]).unwrap(), 20);
    }
    transaction.commit().unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 40)].into());
}

#[test]
fn copy_in_text_form() {
    let (_database, mut client, tenant) = with_one_tenant();
    let other = add_tenant(&mut client, "two");
    let sql = "COPY audits (tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details) FROM STDIN";
    let mut writer = client.copy_in(sql).unwrap();
    for n in 0..3_000 {
        let tenant = if n % 3 == 0 { other } else { tenant };
        let line = format!(
            "{tenant}\t2026-01-01 12:00:{:02}.5+01\tuser\tÄ{n}\tread\tdocument\t\\N\t{{\"n\": {n}}}\n",
            n % 60
        );
        writer.write_all(line.as_bytes()).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), 3_000);
    assert_eq!(whole_chains(&mut client), [(tenant, 2_000), (other, 1_000)].into());
}

#[test]
fn copy_in_binary_form() {
    let (_database, mut client, tenant) = with_one_tenant();
    let sql =
        "COPY audits (tenant_id, id, actor_type, actor_id, action, resource_type, details) FROM STDIN BINARY";
    let types = [Type::UUID, Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::JSONB];
    let mut writer = BinaryCopyInWriter::new(client.copy_in(sql).unwrap(), &types);
    for n in 0..2_000 {
        let details = serde_json::json!({ "n": n, "list": [n, null, "\u{1f600}"] });
        writer
            .write(&[&tenant, &Uuid::new_v4(), &"user", &format!("user {n}"), &"read", &"document", &details])
            .unwrap();
    }
    assert_eq!(writer.finish().unwrap(), 2_000);
    assert_eq!(whole_chains(&mut client), [(tenant, 2_000)].into());
}

#[test]
fn one_statement_may_feed_several_chains_and_feed_one_twice() {
    let (_database, mut client, tenant) = with_one_tenant();
    let other = add_tenant(&mut client, "two");
    let columns = "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type)";
    let values = |tenant: Uuid| format!("('{tenant}', 'user', 'someone', 'read', 'document')");
    let (one, two) = (values(tenant), values(other));
    client.batch_execute(&format!("{columns} VALUES {one}, {two}, {one}, {one}, {two}")).unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 3), (other, 2)].into());
    // Two data-modifying expressions, whose rows PostgreSQL interleaves as it likes, and a third that reads them.
    let rows = client
        .query(
            &format!(
                "WITH a AS ({columns} SELECT '{tenant}', 'user', n, 'read', 'a' FROM generate_series(1, 10) AS n \
                            RETURNING seq, prev_hash, hash), \
                      b AS ({columns} SELECT '{tenant}', 'user', n, 'read', 'b' FROM generate_series(1, 10) AS n \
                            RETURNING seq, prev_hash, hash) \
                 SELECT a.seq, b.seq FROM a FULL JOIN b ON a.hash = b.prev_hash WHERE a.seq IS NOT NULL"
            ),
            &[],
        )
        .unwrap();
    assert_eq!(rows.len(), 10);
    assert_eq!(whole_chains(&mut client), [(tenant, 23), (other, 2)].into());
}

#[test]
fn returning_gives_what_is_stored() {
    let (_database, mut client, tenant) = with_one_tenant();
    let sql = format!("{INSERT} RETURNING audits::text");
    let returned: Vec<String> =
        (0..5).map(|_| client.query_one(&sql, &[&tenant, &Uuid::new_v4()]).unwrap().get(0)).collect();
    assert_eq!(returned, contents(&mut client));
    let row =
        client.query_one(&format!("{INSERT} RETURNING seq, prev_hash, hash"), &[&tenant, &Uuid::new_v4()]);
    let row = row.unwrap();
    assert_eq!(row.get::<_, i64>(0), 6);
    assert_eq!((row.get::<_, &[u8]>(1).len(), row.get::<_, &[u8]>(2).len()), (32, 32));
    whole_chains(&mut client);
}

#[test]
fn partitioned_ledgers_chain_in_each_partition() {
    for strategy in ["HASH", "LIST"] {
        let (_database, mut client, _) = with_one_tenant();
        let tenants: Vec<Uuid> = (0..6).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();
        let partitions = match strategy {
            "HASH" => (0..3)
                .map(|n| format!("CREATE TABLE part_{n} PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER {n});"))
                .collect::<String>(),
            _ => format!(
                "CREATE TABLE part_0 PARTITION OF parted FOR VALUES IN ('{}', '{}');
                 CREATE TABLE part_1 PARTITION OF parted DEFAULT;",
                tenants[0], tenants[1]
            ),
        };
        client
            .batch_execute(&format!(
                "CREATE TABLE parted (LIKE audits INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
                     PARTITION BY {strategy} (tenant_id);
                 ALTER TABLE parted ADD PRIMARY KEY (tenant_id, seq);
                 CREATE TRIGGER zz_af_audit_chain BEFORE INSERT ON parted
                     FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
                 {partitions}"
            ))
            .unwrap();
        let sql = "INSERT INTO parted (tenant_id, actor_type, actor_id, action, resource_type) \
                   SELECT t, 'user', n, 'read', 'document' FROM generate_series(1, 50) AS n, unnest($1::uuid[]) AS t";
        assert_eq!(client.execute(sql, &[&tenants]).unwrap(), 300);
        // Straight into a partition too: the chain is the same one.
        let leaf: String = client
            .query_one(
                "SELECT tableoid::regclass::text FROM parted WHERE tenant_id = $1 LIMIT 1",
                &[&tenants[0]],
            )
            .unwrap()
            .get(0);
        let direct = INSERT.replace("INTO audits", &format!("INTO {leaf}"));
        client.execute(&direct, &[&tenants[0], &Uuid::new_v4()]).unwrap();
        let rows = client
            .query("SELECT tenant_id, status, entries FROM af_audit_verify(NULL, 'parted')", &[])
            .unwrap();
        let verified: Vec<(Uuid, String, i64)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        let mut expected: Vec<_> = tenants.iter().map(|tenant| (*tenant, "ok".to_owned(), 50)).collect();
        expected[0].2 = 51;
        expected.sort();
        assert_eq!(verified, expected, "{strategy}");
        assert_eq!(entries(&mut client), 0, "the other ledger was not touched");
        // An edit in a partition is found through the whole table.
        client
            .execute(
                &format!("UPDATE {leaf} SET action = 'edited' WHERE tenant_id = $1 AND seq = 20"),
                &[&tenants[0]],
            )
            .unwrap();
        let row = client
            .query_one("SELECT first_bad_seq, finding FROM af_audit_verify($1, 'parted')", &[&tenants[0]])
            .unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, String>(1)), (20, "altered".to_owned()), "{strategy}");
    }
}

#[test]
fn prepared_transactions_hold_the_chain_until_they_end() {
    let (database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    for (end, expected) in [("COMMIT PREPARED 'p'", 4), ("ROLLBACK PREPARED 'p'", 5)] {
        client.batch_execute("BEGIN").unwrap();
        insert(&mut client, tenant);
        insert(&mut client, tenant);
        client.batch_execute("PREPARE TRANSACTION 'p'").unwrap();
        // Neither this session, which held the chain before, nor another may go on meanwhile.
        client.batch_execute("SET lock_timeout = '200ms'").unwrap();
        assert_eq!(sqlstate(client.execute(INSERT, &[&tenant, &Uuid::new_v4()])), "55P03");
        client.batch_execute("RESET lock_timeout").unwrap();
        let mut other = database.connect();
        let pid = backend_pid(&mut other);
        thread::scope(|scope| {
            let waiting = scope.spawn(move || insert(&mut other, tenant));
            wait_until_blocked(&mut client, pid);
            client.batch_execute(end).unwrap();
            waiting.join().unwrap();
        });
        assert_eq!(whole_chains(&mut client), [(tenant, expected)].into(), "{end}");
    }
    // Other tenants' chains are free all the while.
    let other_tenant = add_tenant(&mut client, "two");
    client.batch_execute("BEGIN").unwrap();
    insert(&mut client, tenant);
    client.batch_execute("PREPARE TRANSACTION 'p'").unwrap();
    insert(&mut client, other_tenant);
    client.batch_execute("COMMIT PREPARED 'p'").unwrap();
    assert_eq!(whole_chains(&mut client), [(tenant, 6), (other_tenant, 1)].into());
}
