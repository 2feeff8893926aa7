//! What a session has looked up about a table holds until the table changes, whoever changes it.

use std::thread;

use af_tests::database::{backend_pid, sqlstate, wait_until_blocked};
use af_tests::ledger::{INSERT, add_tenant, insert, whole_chains, with_one_tenant};
use postgres::Client;
use uuid::Uuid;

/// Changes after which rows are chained as before.
const HARMLESS: [&str; 6] = [
    "ALTER TABLE audits ADD COLUMN note text DEFAULT 'none'",
    "ALTER TABLE audits DROP COLUMN note",
    "ALTER TABLE audits ALTER actor_id TYPE varchar(200)",
    "CREATE UNIQUE INDEX second ON audits (tenant_id, seq); ALTER TABLE audits DROP CONSTRAINT audits_pkey, \
     ADD CONSTRAINT audits_pkey PRIMARY KEY USING INDEX second",
    "REINDEX TABLE audits",
    "ALTER TABLE audits RENAME TO renamed; ALTER TABLE renamed RENAME TO audits",
];

#[test]
fn changes_of_this_session_and_of_others_are_seen() {
    for by_another in [false, true] {
        let (database, mut client, tenant) = with_one_tenant();
        let mut other = database.connect();
        insert(&mut client, tenant);
        for change in HARMLESS {
            let changer: &mut Client = if by_another { &mut other } else { &mut client };
            changer.batch_execute(change).unwrap_or_else(|error| panic!("{change}: {error}"));
            insert(&mut client, tenant);
            insert(&mut client, tenant);
        }
        let expected = 1 + 2 * HARMLESS.len() as i64;
        assert_eq!(whole_chains(&mut client), [(tenant, expected)].into());
    }
}

#[test]
fn changes_that_are_rolled_back_are_seen_too() {
    let (_database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    let mut transaction = client.transaction().unwrap();
    insert(&mut transaction, tenant);
    let mut savepoint = transaction.savepoint("s").unwrap();
    savepoint.batch_execute("ALTER TABLE audits ADD COLUMN a int DEFAULT 1, ADD COLUMN b text").unwrap();
    insert(&mut savepoint, tenant);
    savepoint.rollback().unwrap();
    insert(&mut transaction, tenant);
    transaction.batch_execute("ALTER TABLE audits ADD COLUMN c uuid").unwrap();
    insert(&mut transaction, tenant);
    transaction.rollback().unwrap();
    insert(&mut client, tenant);
    assert_eq!(whole_chains(&mut client), [(tenant, 2)].into());
}

#[test]
fn a_table_that_is_no_ledger_any_more_is_refused_at_once() {
    // What each takes away, the SQLSTATE that follows, and how to put it back.
    let changes = [
        (
            "ALTER TABLE audits DROP CONSTRAINT audits_pkey",
            "55000",
            "ALTER TABLE audits ADD PRIMARY KEY (tenant_id, seq)",
        ),
        (
            "ALTER TABLE audits RENAME COLUMN hash TO digest",
            "42703",
            "ALTER TABLE audits RENAME COLUMN digest TO hash",
        ),
    ];
    for by_another in [false, true] {
        let (database, mut client, tenant) = with_one_tenant();
        let mut other = database.connect();
        insert(&mut client, tenant);
        for (change, code, remedy) in changes {
            let changer: &mut Client = if by_another { &mut other } else { &mut client };
            changer.batch_execute(change).unwrap();
            assert_eq!(sqlstate(client.execute(INSERT, &[&tenant, &Uuid::new_v4()])), code, "{change}");
            let changer: &mut Client = if by_another { &mut other } else { &mut client };
            changer.batch_execute(remedy).unwrap();
            insert(&mut client, tenant);
        }
        assert_eq!(whole_chains(&mut client), [(tenant, 3)].into());
    }
}

#[test]
fn an_index_that_goes_while_a_row_waits_is_not_used_afterwards() {
    let (database, mut client, tenant) = with_one_tenant();
    client.batch_execute("CREATE UNIQUE INDEX second ON audits (tenant_id, seq)").unwrap();
    let mut waiter = database.connect();
    insert(&mut waiter, tenant);
    let mut holder = database.connect();
    let mut transaction = holder.transaction().unwrap();
    insert(&mut transaction, tenant);
    let (waiting, dropping) = (backend_pid(&mut waiter), backend_pid(&mut client));
    let mut observer = database.connect();
    thread::scope(|scope| {
        // The waiter keeps what it has looked up while it is told that one of the indexes is on its way out.
        let waiter = scope.spawn(move || {
            insert(&mut waiter, tenant);
            waiter
        });
        wait_until_blocked(&mut observer, waiting);
        let dropped = scope.spawn(|| client.batch_execute("DROP INDEX CONCURRENTLY second"));
        wait_until_blocked(&mut observer, dropping);
        transaction.commit().unwrap();
        let mut waiter = waiter.join().unwrap();
        dropped.join().unwrap().unwrap();
        insert(&mut waiter, tenant);
    });
    assert_eq!(whole_chains(&mut observer), [(tenant, 4)].into());
}

#[test]
fn many_partitions_are_no_trouble() {
    // More than a session remembers.
    const PARTITIONS: usize = 150;
    let (_database, mut client, _) = with_one_tenant();
    let partitions: String = (0..PARTITIONS)
        .map(|n| format!("CREATE TABLE part_{n} PARTITION OF audits FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {n});"))
        .collect();
    client
        .batch_execute(&format!(
            "ALTER TABLE audits RENAME TO unparted; \
             CREATE TABLE audits (LIKE unparted INCLUDING DEFAULTS, PRIMARY KEY (tenant_id, seq)) PARTITION BY HASH (tenant_id); \
             CREATE TRIGGER chain BEFORE INSERT ON audits FOR EACH ROW EXECUTE FUNCTION af_audit_chain(); {partitions}"
        ))
        .unwrap();
    let tenants: Vec<Uuid> = (0..300).map(|n| add_tenant(&mut client, &format!("tenant {n}"))).collect();
    for _ in 0..2 {
        client
            .execute(
                "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) \
                 SELECT t, 'user', n, 'read', 'document' FROM generate_series(1, 3) AS n, unnest($1::uuid[]) AS t",
                &[&tenants],
            )
            .unwrap();
    }
    assert_eq!(whole_chains(&mut client), tenants.into_iter().map(|tenant| (tenant, 6)).collect());
}
