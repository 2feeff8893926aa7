//! Whatever way rows come in or are thrown away on the way, each chain is whole afterwards; and what must not come
//! in is refused with the SQLSTATE of the contract.

use std::io::Write;
use std::process::Stdio;
use std::thread;

use af_tests::database::{Database, backend_pid, server, sqlstate, wait_until_blocked};
use af_tests::ledger::{
    INSERT, add_entries, add_tenant, disable_triggers, enable_triggers, verify, whole_chains,
};
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::Type;
use postgres::{Client, GenericClient};
use uuid::Uuid;

/// A ledger with one tenant.
fn ledger() -> (Database, Client, Uuid) {
    let database = Database::new();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    (database, client, tenant)
}

fn insert(client: &mut impl GenericClient, tenant: Uuid) {
    assert_eq!(client.execute(INSERT, &[&tenant, &Uuid::new_v4()]).unwrap(), 1);
}

fn entries(client: &mut impl GenericClient) -> i64 {
    client.query_one("SELECT count(*) FROM audits", &[]).unwrap().get(0)
}

/// The chain columns and the content of all entries, as text.
fn contents(client: &mut Client) -> Vec<String> {
    let rows = client.query("SELECT a::text FROM audits AS a ORDER BY tenant_id, seq", &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn rolled_back_savepoints_leave_no_gap() {
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
    let id = Uuid::new_v4();
    client.execute(INSERT, &[&tenant, &id]).unwrap();
    let sql = format!("{INSERT} ON CONFLICT (id) DO UPDATE SET action = 'edited'");
    assert_eq!(sqlstate(client.execute(&sql, &[&tenant, &id])), "55000");
    assert_eq!(whole_chains(&mut client), [(tenant, 1)].into());
}

#[test]
fn rows_that_a_later_trigger_drops_leave_no_gap() {
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
        let (_database, mut client, _) = ledger();
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
    let (database, mut client, tenant) = ledger();
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

#[test]
fn the_clock_fills_in_a_time_that_is_not_given() {
    let (_database, mut client, tenant) = ledger();
    let sql = |ts: &str| {
        format!(
            "INSERT INTO audits (tenant_id, ts, actor_type, actor_id, action, resource_type) \
             VALUES ('{tenant}', {ts}, 'user', 'someone', 'read', 'document') \
             RETURNING ts BETWEEN now() AND clock_timestamp(), ts = '2026-01-02 03:04:05.123456+00'"
        )
    };
    assert!(client.query_one(&sql("NULL"), &[]).unwrap().get::<_, bool>(0));
    assert!(client.query_one(&sql("'2026-01-02 04:04:05.123456+01'"), &[]).unwrap().get::<_, bool>(1));
    for edge in ["0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"] {
        client.query_one(&sql(&format!("'{edge}'")), &[]).unwrap();
    }
    assert_eq!(whole_chains(&mut client), [(tenant, 4)].into());
    for bad in ["infinity", "-infinity", "10000-01-01 00:00:00+00", "0001-12-31 23:59:59.999999+00 BC"] {
        assert_eq!(sqlstate(client.query_one(&sql(&format!("'{bad}'")), &[])), "22023", "{bad}");
    }
    assert_eq!(whole_chains(&mut client), [(tenant, 4)].into());
}

#[test]
fn a_null_where_none_may_be_is_refused() {
    let (_database, mut client, tenant) = ledger();
    insert(&mut client, tenant);
    let columns = ["tenant_id", "id", "actor_type", "actor_id", "action", "resource_type", "details"];
    for null in columns {
        let values = columns.map(|column| match column {
            _ if column == null => "NULL".to_owned(),
            "tenant_id" => format!("'{tenant}'"),
            "id" => format!("'{}'", Uuid::new_v4()),
            "details" => "'{}'".to_owned(),
            _ => "'x'".to_owned(),
        });
        let sql = format!("INSERT INTO audits ({}) VALUES ({})", columns.join(", "), values.join(", "));
        assert_eq!(sqlstate(client.batch_execute(&sql)), "23502", "{null}");
    }
    // Several at once, and all of them.
    let all = "INSERT INTO audits (tenant_id, id, details) VALUES (NULL, NULL, NULL)";
    assert_eq!(sqlstate(client.batch_execute(all)), "23502");
    assert_eq!(whole_chains(&mut client), [(tenant, 1)].into());
}

#[test]
fn an_unknown_tenant_is_refused() {
    let (_database, mut client, tenant) = ledger();
    let unknown = Uuid::new_v4();
    assert_eq!(sqlstate(client.execute(INSERT, &[&unknown, &Uuid::new_v4()])), "23503");
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 1)].into());
}

/// Inserts an entry with these chain columns, the rest being as in the other ledger's entry of that seq.
fn insert_link(
    client: &mut Client,
    original: &str,
    seq: i64,
    columns: &[(&str, &str)],
) -> Result<u64, postgres::Error> {
    let names = columns.iter().map(|(name, _)| format!(", {name}")).collect::<String>();
    let values = columns.iter().map(|(_, value)| format!(", {value}")).collect::<String>();
    let content =
        "tenant_id, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version";
    client.execute(
        &format!(
            "INSERT INTO audits ({content}{names}) SELECT {content}{values} FROM {original} AS o WHERE seq = $1"
        ),
        &[&seq],
    )
}

#[test]
fn only_the_exact_next_link_is_taken_as_it_is() {
    let (_database, mut client, tenant) = ledger();
    add_entries(&mut client, tenant, 10);
    let expected = contents(&mut client);
    disable_triggers(&mut client);
    client.batch_execute("CREATE TABLE original AS TABLE audits; DELETE FROM audits").unwrap();
    enable_triggers(&mut client);
    let wrong = "sha256('wrong')";
    let all = |seq, prev_hash, hash| [("seq", seq), ("prev_hash", prev_hash), ("hash", hash)];
    let exact = all("seq", "prev_hash", "hash");

    // In place of the first link.
    let mut refused = |seq: i64, columns: &[(&str, &str)], code: &str| {
        assert_eq!(sqlstate(insert_link(&mut client, "original", seq, columns)), code, "{seq}: {columns:?}");
    };
    refused(2, &exact, "23514");
    refused(1, &all("1", "NULL", wrong), "23514");
    refused(1, &all("1", wrong, "hash"), "23514");
    refused(1, &all("0", wrong, "hash"), "23514");
    for seq in 1..=5 {
        assert_eq!(insert_link(&mut client, "original", seq, &exact).unwrap(), 1);
    }
    let mut refused = |seq: i64, columns: &[(&str, &str)], code: &str| {
        assert_eq!(sqlstate(insert_link(&mut client, "original", seq, columns)), code, "{seq}: {columns:?}");
    };
    // A gap, a repetition, a wrong predecessor, a wrong hash, a hash over other content.
    refused(7, &exact, "23514");
    refused(5, &exact, "23514");
    refused(6, &all("6", wrong, "hash"), "23514");
    refused(6, &all("6", "prev_hash", wrong), "23514");
    refused(7, &all("6", "o.prev_hash", "hash"), "23514");
    // Hashes that are none.
    refused(6, &all("6", "prev_hash", "'\\x00'"), "22023");
    refused(6, &all("6", "'\\x00'", "hash"), "22023");
    // Only some of the three.
    for partial in [
        vec![("seq", "6")],
        vec![("hash", "hash")],
        vec![("prev_hash", "prev_hash")],
        vec![("seq", "6"), ("prev_hash", "prev_hash")],
        vec![("prev_hash", "prev_hash"), ("hash", "hash")],
    ] {
        refused(6, &partial, "22023");
    }
    for seq in 6..=10 {
        assert_eq!(insert_link(&mut client, "original", seq, &exact).unwrap(), 1);
    }
    assert_eq!(contents(&mut client), expected);
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 11)].into());
}

#[test]
fn an_unknown_version_of_the_record_format_is_refused() {
    let (_database, mut client, tenant) = ledger();
    for version in ["0", "2", "-1", "32767"] {
        let sql = format!(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, hash_version) \
             VALUES ('{tenant}', 'user', 'someone', 'read', 'document', {version})"
        );
        assert_eq!(sqlstate(client.batch_execute(&sql)), "22023", "{version}");
    }
    assert_eq!(whole_chains(&mut client), [].into());
}

/// Runs one of PostgreSQL's programs on a database, with something on standard input, and gives what it printed.
fn program(name: &str, arguments: &[&str], database: &str, input: &[u8]) -> Vec<u8> {
    let mut command = server().command(name);
    command.args(arguments).env("PGDATABASE", database);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_dump_restores_to_the_same_hashes() {
    let (database, mut client, tenant) = ledger();
    let other = add_tenant(&mut client, "two");
    for _ in 0..5 {
        add_entries(&mut client, tenant, 60);
        add_entries(&mut client, other, 40);
    }
    let original = contents(&mut client);
    let psql = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"];

    // Into tables that have their triggers: each row is checked on its way in.
    let data = program("pg_dump", &["--data-only"], database.name(), b"");
    let copy = Database::new();
    program("psql", &psql, copy.name(), &data);
    let mut copied = copy.connect();
    assert_eq!(contents(&mut copied), original);
    insert(&mut copied, tenant);
    assert_eq!(whole_chains(&mut copied), [(tenant, 301), (other, 200)].into());

    // Into an empty database: triggers come last, and are as they were.
    let everything = program("pg_dump", &[], database.name(), b"");
    let copy = Database::empty();
    program("psql", &psql, copy.name(), &everything);
    let mut copied = copy.connect();
    assert_eq!(contents(&mut copied), original);
    insert(&mut copied, tenant);
    assert_eq!(whole_chains(&mut copied), [(tenant, 301), (other, 200)].into());
    let enabled = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'audits'::regclass AND NOT tgisinternal AND tgenabled = 'A'";
    assert_eq!(copied.query_one(enabled, &[]).unwrap().get::<_, i64>(0), 3);

    // An edited dump does not get in, and nothing of it stays.
    let text = String::from_utf8(data).unwrap();
    let edited = text.replacen("\tupdate\t", "\tdelete\t", 1);
    assert_ne!(text, edited);
    let copy = Database::new();
    let mut psql = server().command("psql");
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--set=VERBOSITY=verbose",
    ]);
    psql.env("PGDATABASE", copy.name()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = psql.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(edited.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("23514"), "{output:?}");
    assert_eq!(entries(&mut copy.connect()), 0);
}

#[test]
fn a_replication_role_does_not_bypass_the_triggers() {
    let (_database, mut client, tenant) = ledger();
    client.batch_execute("SET session_replication_role = replica").unwrap();
    insert(&mut client, tenant);
    insert(&mut client, tenant);
    for change in ["UPDATE audits SET action = 'edited'", "DELETE FROM audits", "TRUNCATE audits"] {
        assert_eq!(sqlstate(client.batch_execute(change)), "55000", "{change}");
    }
    assert_eq!(whole_chains(&mut client), [(tenant, 2)].into());
}

#[test]
fn what_postgresql_cannot_store_is_refused_as_it_refuses_it() {
    let (_database, mut client, tenant) = ledger();
    insert(&mut client, tenant);
    for (actor, details) in [
        // Two texts that fit, in a row that does not; a string that is too long for jsonb.
        ("repeat('x', 600000000)", "'{}'"),
        ("'someone'", "jsonb_build_object('text', repeat('x', 300000000))"),
    ] {
        let sql = format!(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) \
             SELECT '{tenant}', 'user', text, text, 'document', {details} FROM (SELECT {actor} AS text) AS t"
        );
        assert_eq!(sqlstate(client.batch_execute(&sql)), "54000", "{sql}");
    }
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 2)].into());
}

/// What this session's memory contexts hold, in bytes.
fn memory(client: &mut impl GenericClient) -> i64 {
    client.query_one("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts", &[]).unwrap().get(0)
}

#[test]
fn memory_does_not_grow_with_the_rows_of_a_transaction() {
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
    let (_database, mut client, tenant) = ledger();
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
