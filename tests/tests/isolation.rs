//! What a role can do is what it was granted, and nothing that a session sets up misleads the triggers or the verifier.

use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, connect, create_ledger, options, sqlstate};
use af_tests::ledger::{INSERT, add_entries, add_tenant, verify, whole_chains};
use af_tools::throwaway::Server;
use postgres::Client;
use uuid::Uuid;

/// A role of this test's own (roles are shared by the databases of a server), allowed to use the schema.
fn role(client: &mut Client, database: &Database, kind: &str, grants: &str) -> String {
    let role = format!("{}_{kind}", database.name());
    client.batch_execute(&format!("CREATE ROLE {role} LOGIN; {}", grants.replace("ROLE", &role))).unwrap();
    role
}

#[test]
fn insert_and_select_are_enough_to_insert_and_for_nothing_else() {
    let database = Database::new();
    let mut owner = database.connect();
    let tenant = add_tenant(&mut owner, "one");
    let role = role(&mut owner, &database, "app", "GRANT INSERT, SELECT ON audits TO ROLE");
    let mut app = database.connect_as(&role);
    add_entries(&mut app, tenant, 10);
    let sql = format!("{INSERT} RETURNING seq");
    assert_eq!(app.query_one(&sql, &[&tenant, &Uuid::new_v4()]).unwrap().get::<_, i64>(0), 11);
    for forbidden in [
        "UPDATE audits SET action = 'edited'",
        "DELETE FROM audits",
        "TRUNCATE audits",
        "SELECT * FROM audits FOR UPDATE",
        "ALTER TABLE audits DISABLE TRIGGER zz_af_audit_chain",
        "DROP TRIGGER af_audit_guard ON audits",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION public.af_audit_chain() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
    ] {
        assert_eq!(sqlstate(app.batch_execute(forbidden)), "42501", "{forbidden}");
    }
    // Called as a function, a trigger does nothing.
    for function in ["af_audit_chain", "af_audit_guard"] {
        assert!(app.batch_execute(&format!("SELECT {function}()")).is_err(), "{function}");
    }
    assert_eq!(whole_chains(&mut app), [(tenant, 11)].into());
}

#[test]
fn insert_alone_is_enough_to_insert() {
    let database = Database::new();
    let mut owner = database.connect();
    let tenant = add_tenant(&mut owner, "one");
    let role = role(&mut owner, &database, "writer", "GRANT INSERT ON audits TO ROLE");
    add_entries(&mut database.connect_as(&role), tenant, 10);
    add_entries(&mut database.connect_as(&role), tenant, 10);
    assert_eq!(whole_chains(&mut owner), [(tenant, 20)].into());
}

#[test]
fn the_guard_refuses_owner_and_superuser() {
    let database = Database::new();
    let mut superuser = database.connect();
    let tenant = add_tenant(&mut superuser, "one");
    add_entries(&mut superuser, tenant, 3);
    let owner = role(
        &mut superuser,
        &database,
        "owner",
        "ALTER TABLE audits OWNER TO ROLE; ALTER TABLE tenants OWNER TO ROLE",
    );
    for mut client in [superuser, database.connect_as(&owner)] {
        for change in [
            "UPDATE audits SET action = 'edited' WHERE seq = 2",
            "UPDATE audits SET seq = seq",
            "DELETE FROM audits WHERE seq = 3",
            "TRUNCATE audits",
            "TRUNCATE tenants CASCADE",
        ] {
            assert_eq!(sqlstate(client.batch_execute(change)), "55000", "{change}");
        }
        // Not even by way of the tenant.
        assert_eq!(sqlstate(client.batch_execute("DELETE FROM tenants")), "23503");
        assert_eq!(whole_chains(&mut client), [(tenant, 3)].into());
    }
}

#[test]
fn a_search_path_does_not_mislead_the_trigger() {
    let database = Database::new();
    let mut owner = database.connect();
    let tenant = add_tenant(&mut owner, "one");
    add_entries(&mut owner, tenant, 5);
    let grants = "GRANT INSERT, SELECT ON audits TO ROLE; CREATE SCHEMA evil AUTHORIZATION ROLE";
    let role = role(&mut owner, &database, "attacker", grants);
    let mut attacker = database.connect_as(&role);
    // Tables, functions and operators that would say something else, in front of the real ones; a table that looks as
    // if the chain ended elsewhere.
    attacker
        .batch_execute(
            "CREATE FUNCTION evil.uuid_eq(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
             CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = evil.uuid_eq);
             CREATE FUNCTION evil.int8gt(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
             CREATE OPERATOR evil.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.int8gt);
             CREATE FUNCTION evil.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''''::bytea';
             CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT timestamptz ''2000-01-01''';
             CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT evil.now()';
             CREATE FUNCTION evil.af_audit_chain() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
             CREATE TABLE evil.audits AS TABLE public.audits;
             UPDATE evil.audits SET seq = seq + 100, hash = decode(repeat('00', 32), 'hex');
             CREATE TEMPORARY TABLE audits AS TABLE evil.audits;
             CREATE TEMPORARY TABLE tenants (id uuid);
             SET search_path = evil, pg_temp, public, pg_catalog"
        )
        .unwrap();
    let insert = INSERT.replace("INTO audits", "INTO public.audits");
    for seq in 6..=8_i64 {
        let row = attacker
            .query_one(
                &format!("{insert} RETURNING seq, ts > timestamptz '2020-01-01'"),
                &[&tenant, &Uuid::new_v4()],
            )
            .unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (seq, true));
    }
    // Asked for the real table, the verifier looks at the real table with the real functions.
    let sql = "SELECT status, entries FROM public.af_audit_verify(NULL, 'public.audits')";
    let row = attacker.query_one(sql, &[]).unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(1)), ("ok", 8));
    assert_eq!(whole_chains(&mut owner), [(tenant, 8)].into());
}

#[test]
fn rows_that_row_level_security_hides_are_not_missing_but_unproven() {
    let database = Database::new();
    let mut owner = database.connect();
    let tenants = ["one", "two"].map(|name| add_tenant(&mut owner, name));
    for tenant in tenants {
        add_entries(&mut owner, tenant, 10);
    }
    let role = role(&mut owner, &database, "reader", "GRANT SELECT ON audits TO ROLE");
    for policy in ["seq <> 5", "seq <= 5", "seq > 5", "tenant_id IS NULL"] {
        owner
            .batch_execute(&format!(
                "DROP POLICY IF EXISTS some_rows ON audits; CREATE POLICY some_rows ON audits USING ({policy});
                 ALTER TABLE audits ENABLE ROW LEVEL SECURITY; ALTER TABLE audits FORCE ROW LEVEL SECURITY"
            ))
            .unwrap();
        let mut reader = database.connect_as(&role);
        let seen: i64 = reader.query_one("SELECT count(*) FROM audits", &[]).unwrap().get(0);
        assert!(seen < 20, "{policy}");
        let verified = verify(&mut reader);
        assert!(!verified.is_empty(), "{policy}: silence would read as if all were well");
        for chain in verified {
            assert_eq!((chain.status.as_str(), chain.finding), ("partial", None), "{policy}");
        }
        // Who sees all is told all.
        assert_eq!(whole_chains(&mut owner), tenants.map(|tenant| (tenant, 10)).into(), "{policy}");
    }
}

#[test]
fn who_may_not_read_may_not_verify() {
    let database = Database::new();
    let mut owner = database.connect();
    let tenant = add_tenant(&mut owner, "one");
    add_entries(&mut owner, tenant, 3);
    let role = role(&mut owner, &database, "stranger", "GRANT INSERT ON audits TO ROLE");
    let mut stranger = database.connect_as(&role);
    for sql in [
        "SELECT * FROM af_audit_verify()".to_owned(),
        "SELECT * FROM af_audit_findings()".to_owned(),
        format!("SELECT * FROM af_audit_verify('{tenant}', 'audits')"),
        format!("SELECT * FROM af_audit_head('{tenant}')"),
    ] {
        assert_eq!(sqlstate(stranger.query(&sql, &[])), "42501", "{sql}");
    }
}

#[test]
fn a_hot_standby_verifies() {
    let primary = Server::start(&options()).unwrap();
    primary.create_database("ledger").unwrap();
    let mut client = connect(&primary.url("ledger"));
    create_ledger(&mut client);
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 100);
    let standby = primary.standby(&options()).unwrap();
    let mut follower = connect(&standby.url("ledger"));
    assert!(follower.query_one("SELECT pg_is_in_recovery()", &[]).unwrap().get::<_, bool>(0));
    // What comes after the copy was made arrives by streaming.
    add_entries(&mut client, tenant, 100);
    let deadline = Instant::now() + Duration::from_secs(30);
    while follower.query_one("SELECT count(*) FROM audits", &[]).unwrap().get::<_, i64>(0) < 200 {
        assert!(Instant::now() < deadline, "the standby does not follow");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(whole_chains(&mut follower), [(tenant, 200)].into());
    assert_eq!(verify(&mut follower), verify(&mut client));
    let heads = [&mut client, &mut follower].map(|client| {
        let row = client.query_one("SELECT seq, hash FROM af_audit_head($1)", &[&tenant]).unwrap();
        (row.get::<_, i64>(0), row.get::<_, Vec<u8>>(1))
    });
    assert_eq!(heads[0], heads[1]);
    assert_eq!(sqlstate(follower.execute(INSERT, &[&tenant, &Uuid::new_v4()])), "25006");
}

#[test]
fn verification_can_be_cancelled() {
    let database = Database::new();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 150_000);
    let begun = Instant::now();
    assert!(verify(&mut client).iter().all(|chain| chain.status == "ok"));
    let whole = begun.elapsed();
    client.batch_execute("SET statement_timeout = '20ms'").unwrap();
    for sql in ["SELECT * FROM af_audit_verify()", "SELECT * FROM af_audit_findings()"] {
        let begun = Instant::now();
        assert_eq!(sqlstate(client.query(sql, &[])), "57014", "{sql}");
        let cancelled = begun.elapsed();
        assert!(
            cancelled < whole / 2,
            "{sql}: cancelled after {cancelled:?}, where all of it takes {whole:?}"
        );
    }
    client.batch_execute("RESET statement_timeout").unwrap();
    assert!(verify(&mut client).iter().all(|chain| chain.status == "ok"));
}
