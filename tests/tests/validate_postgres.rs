//! `af-tools validate` tells how PostgreSQL and the ledger's guards are.

use std::fs;
use std::thread;
use std::time::Duration;

use af_tests::database::{Database, connect, free_port, migrate, options, server};
use af_tests::ledger::{add_entries, add_tenant};
use af_tests::validate::{assert_trouble, check, not_checked, result, within};
use af_tools::throwaway::{Options, Server};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

fn postgres(url: &str, more: &[&str], code: i32) -> Value {
    result(&[&["--url", url], more].concat(), &[], code)
}

/// All that is said of the guards.
fn guards(result: &Value) -> &[Value] {
    result["checks"]["postgres:guards"].as_array().unwrap_or_else(|| panic!("no guards in {result:#}"))
}

#[test]
fn one_that_is_well_is_told_in_full() {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenants = ["one", "two"].map(|name| add_tenant(&mut client, name));
    for tenant in tenants {
        add_entries(&mut client, tenant, 3);
    }
    // Whether schema public is open to everybody is the major's default, and a test of its own.
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
    let result = postgres(&database.url(), &[], 0);
    assert_eq!(result["status"], "pass", "{result:#}");
    for part in ["version", "extension", "migrations", "guards", "chains"] {
        assert_eq!(check(&result, &format!("postgres:{part}"))["status"], "pass", "{result:#}");
    }
    let chains = &check(&result, "postgres:chains")["observedValue"];
    assert_eq!((&chains["chains"], &chains["entries_by_heads"]), (&2.into(), &6.into()), "{result:#}");
    assert_eq!(check(&result, "postgres:guards")["observedValue"]["triggers"], 10);
    assert_eq!(not_checked(&result), ["redis", "qdrant", "postgres lastVerification"]);
}

#[test]
fn what_is_not_there_yet_is_told_with_the_command_for_it() {
    let database = Database::empty();
    let result = postgres(&database.url(), &[], 3);
    for part in ["postgres:extension", "postgres:migrations"] {
        assert_eq!(check(&result, part)["status"], "fail", "{result:#}");
        assert!(check(&result, part)["guidance"].as_str().unwrap().contains("af-tools migrate up"));
    }
    assert!(not_checked(&result).contains(&"postgres guards".to_owned()), "{result:#}");

    let ledger = Database::new();
    assert_eq!(check(&postgres(&ledger.url(), &[], 3), "postgres:migrations")["status"], "fail");

    let result = postgres(&server().url("no_such_database"), &[], 3);
    assert_trouble(&result, "postgres", "no_database", "createdb");
    let result = postgres(&database.url_as("no_such_role"), &[], 3);
    assert_trouble(&result, "postgres", "authentication", "user and password");

    let migrated = Database::migrated();
    assert!(not_checked(&postgres(&migrated.url(), &[], 0)).contains(&"postgres chains".to_owned()));
    let result = postgres(&migrated.url(), &["--schema", "elsewhere"], 3);
    assert_trouble(&result, "postgres", "refusal", "migrate up");
}

/// What is done to a database, how bad that is, and a word of what is said.
const DAMAGES: [(&str, &str, &str); 20] = [
    ("ALTER TABLE audits DISABLE TRIGGER af_audit_guard", "fail", "is disabled"),
    (
        "ALTER TABLE audit_checkpoints DISABLE TRIGGER af_audit_guard",
        "fail",
        "af_audit_guard on audit_checkpoints is disabled",
    ),
    ("ALTER TABLE audits ENABLE TRIGGER zz_af_audit_chain", "fail", "not enabled ALWAYS"),
    ("ALTER TABLE messages ENABLE REPLICA TRIGGER zz_af_envelope_check", "fail", "replicas only"),
    (
        "DROP TRIGGER af_audit_guard_truncate ON messages",
        "fail",
        "af_audit_guard_truncate on messages is missing",
    ),
    (
        "DROP TRIGGER af_audit_guard ON audits; CREATE TRIGGER af_audit_guard BEFORE DELETE ON audits \
         FOR EACH ROW EXECUTE FUNCTION af_audit_guard(); ALTER TABLE audits ENABLE ALWAYS TRIGGER af_audit_guard",
        "fail",
        "is another one",
    ),
    (
        "DROP TRIGGER af_audit_guard ON audits; CREATE TRIGGER af_audit_guard BEFORE UPDATE OR DELETE ON audits \
         FOR EACH ROW WHEN (false) EXECUTE FUNCTION af_audit_guard(); \
         ALTER TABLE audits ENABLE ALWAYS TRIGGER af_audit_guard",
        "fail",
        "is another one",
    ),
    (
        "CREATE TRIGGER zzz BEFORE INSERT ON audits FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "fail",
        "none that the migrations make, and can change a row",
    ),
    (
        "CREATE TRIGGER zzz AFTER INSERT ON audits FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "warn",
        "none that the migrations make",
    ),
    ("CREATE RULE lose AS ON INSERT TO audits DO INSTEAD NOTHING", "fail", "rule lose on audits"),
    ("ALTER TABLE audits NO FORCE ROW LEVEL SECURITY", "fail", "not forced on audits"),
    ("ALTER TABLE tenants DISABLE ROW LEVEL SECURITY", "fail", "off on tenants"),
    ("CREATE POLICY open ON users USING (true)", "fail", "policy open on users shows rows"),
    (
        "CREATE POLICY closed ON users AS RESTRICTIVE USING (false)",
        "warn",
        "policy closed on users hides rows",
    ),
    (
        "ALTER POLICY af_own_tenant ON plans USING (true)",
        "fail",
        "policy af_own_tenant on plans is another one",
    ),
    ("DROP POLICY af_auditor ON audits", "warn", "policy af_auditor on audits is missing"),
    (
        "CREATE OR REPLACE FUNCTION af_tenant_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE \
         RETURN '00000000-0000-0000-0000-000000000001'::uuid",
        "fail",
        "function af_tenant_id()",
    ),
    ("GRANT UPDATE (hash) ON audits TO af_app", "fail", "af_app has UPDATE (hash) on audits"),
    ("GRANT SELECT ON users TO PUBLIC", "warn", "PUBLIC has SELECT on users"),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "warn", "everybody may create objects in schema public"),
];

#[test]
fn each_guard_that_is_off_is_told_and_the_advice_sets_it_right() {
    let database = Database::migrated();
    let mut client = database.connect();
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
    assert_eq!(check(&postgres(&database.url(), &[], 0), "postgres:guards")["status"], "pass");
    for (damage, status, words) in DAMAGES {
        client.batch_execute(damage).unwrap();
        let result = postgres(&database.url(), &[], if status == "fail" { 3 } else { 0 });
        let [finding] = guards(&result) else { panic!("{damage}: {result:#}") };
        assert_eq!(finding["status"], status, "{damage}: {finding:#}");
        assert!(finding["output"].as_str().unwrap().contains(words), "{damage}: {finding:#}");
        let advice = finding["guidance"].as_str().unwrap();
        let sql = advice.rsplit_once(", or ").map_or(advice, |(_, sql)| sql);
        let sql = sql.strip_prefix("Drop it and make it again: ").map_or_else(
            || sql.to_owned(),
            |create| {
                let name = create.split(' ').nth(2).unwrap();
                format!(
                    "DROP TRIGGER {name} ON audits; {create} ALTER TABLE audits ENABLE ALWAYS TRIGGER {name};"
                )
            },
        );
        client.batch_execute(&sql).unwrap_or_else(|error| panic!("{damage}: {sql}: {error:?}"));
        let result = postgres(&database.url(), &[], 0);
        assert_eq!(check(&result, "postgres:guards")["status"], "pass", "{damage}, {sql}: {result:#}");
    }
}

#[test]
fn a_function_that_was_replaced_is_told() {
    let database = Database::migrated();
    let mut client = database.connect();
    client
        .batch_execute(
            "ALTER EXTENSION pg_af DROP FUNCTION af_audit_guard(); \
             CREATE OR REPLACE FUNCTION af_audit_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             ALTER EXTENSION pg_af ADD FUNCTION af_audit_guard();",
        )
        .unwrap();
    let result = postgres(&database.url(), &[], 3);
    let told = guards(&result).iter().filter(|finding| {
        finding["output"]
            .as_str()
            .is_some_and(|output| output.contains("not as the extension pg_af declares it"))
    });
    // On four tables, for rows and for TRUNCATE; and the function itself.
    assert_eq!(told.count(), 9, "{result:#}");
}

#[test]
fn an_application_that_owns_the_ledger_is_told() {
    let database = Database::migrated();
    let mut client = database.connect();
    client
        .batch_execute(
            "CREATE ROLE keeper NOLOGIN; CREATE ROLE app_login LOGIN IN ROLE af_app, keeper; \
             GRANT CREATE ON SCHEMA public TO keeper; ALTER TABLE audits OWNER TO keeper;",
        )
        .unwrap();
    let result = postgres(&database.url(), &[], 3);
    let is_told = guards(&result).iter().any(|finding| {
        finding["output"].as_str().is_some_and(|output| output.contains("app_login is a member of af_app"))
    });
    assert!(is_told, "{result:#}");
}

#[test]
fn what_a_role_may_not_see_is_not_called_well() {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 3);
    client.batch_execute("CREATE ROLE validate_app LOGIN IN ROLE af_app").unwrap();
    let result = postgres(&database.url_as("validate_app"), &[], 0);
    let not_checked = not_checked(&result);
    for part in ["postgres migrations", "postgres chains"] {
        assert!(not_checked.contains(&part.to_owned()), "{result:#}");
    }
    assert!(guards(&result).iter().all(|finding| finding["status"] != "fail"), "{result:#}");
}

#[test]
fn ends_of_chains_that_do_not_hold_are_told() {
    let database = Database::migrated();
    let mut client = database.connect();
    for (name, damage) in [
        ("first", "DELETE FROM audits WHERE seq = 1"),
        ("before_last", "UPDATE audits SET hash = sha256('x') WHERE seq = 2"),
    ] {
        let tenant = add_tenant(&mut client, name);
        add_entries(&mut client, tenant, 3);
        let behind_the_guard = format!(
            "ALTER TABLE audits DISABLE TRIGGER af_audit_guard; {damage} AND tenant_id = '{tenant}'; \
             ALTER TABLE audits ENABLE ALWAYS TRIGGER af_audit_guard;"
        );
        client.batch_execute(&behind_the_guard).unwrap();
    }
    let result = postgres(&database.url(), &[], 3);
    let chains = check(&result, "postgres:chains");
    assert_eq!(chains["status"], "fail", "{result:#}");
    assert!(chains["output"].as_str().unwrap().starts_with("of 2 chains 1 do not begin"), "{chains:#}");
    assert!(chains["guidance"].as_str().unwrap().contains("audit verify"));
}

#[test]
fn a_schema_of_ones_own_is_checked_as_well() {
    let database = Database::empty();
    let run = af_tests::tools::run(&["--url", &database.url(), "--schema", "My Ledger", "migrate", "up"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let result = postgres(&database.url(), &["--schema", "My Ledger"], 0);
    assert_eq!(check(&result, "postgres:guards")["status"], "pass", "{result:#}");
    database
        .connect()
        .batch_execute("ALTER TABLE \"My Ledger\".audits DISABLE TRIGGER af_audit_guard")
        .unwrap();
    postgres(&database.url(), &["--schema", "My Ledger"], 3);
}

#[test]
fn a_lock_that_somebody_holds_is_not_waited_for() {
    let database = Database::migrated();
    let mut holder = database.connect();
    let mut lock = holder.transaction().unwrap();
    lock.batch_execute("LOCK TABLE audits IN ACCESS EXCLUSIVE MODE").unwrap();
    let result = within(Duration::from_secs(10), || postgres(&database.url(), &["--timeout", "4s"], 0));
    assert_eq!(check(&result, "postgres:chains")["status"], "warn", "{result:#}");
    lock.rollback().unwrap();
}

#[test]
fn passwords_are_demanded_and_never_shown() {
    const PASSWORD: &str = "correct-horse-battery";
    let port = free_port();
    let settings = vec![("listen_addresses".to_owned(), "127.0.0.1".to_owned())];
    let mut server = Server::start(&Options { port, settings, ..Options::default() }).unwrap();
    connect(&server.url("postgres"))
        .batch_execute(&format!("CREATE ROLE me LOGIN PASSWORD '{PASSWORD}'"))
        .unwrap();
    let rules = "local all postgres trust\nhost all me 127.0.0.1/32 scram-sha-256\n";
    fs::write(server.data_dir().join("pg_hba.conf"), rules).unwrap();
    server.restart().unwrap();
    let url =
        |credentials: &str| format!("postgresql://{credentials}@127.0.0.1:{port}/postgres?sslmode=disable");
    for (credentials, cause) in [
        ("me:battery-horse", Some("authentication")),
        ("me", Some("authentication")),
        ("other:battery-horse", Some("authentication")),
        (&format!("me:{PASSWORD}"), None),
    ] {
        let result = postgres(&url(credentials), &[], 3);
        assert_eq!(check(&result, "postgres")["cause"].as_str(), cause, "{credentials}: {result:#}");
        let text = result.to_string();
        assert!(!text.contains("battery"), "{text}");
    }
    // TLS is asked of a server that has none.
    let url = url(&format!("me:{PASSWORD}")).replace("disable", "require");
    assert_trouble(&postgres(&url, &[], 3), "postgres", "tls", "sslmode");
}

#[test]
fn one_that_is_stopped_or_killed_is_not_waited_for() {
    let server = Server::start(&options()).unwrap();
    let url = server.url("postgres");
    migrate(&url);
    postgres(&url, &[], 0);
    let pid = Pid::from_raw(server.postmaster_pid().unwrap().cast_signed());
    kill(pid, Signal::SIGSTOP).unwrap();
    let quick = ["--timeout", "500ms", "--retries", "1"];
    let result = within(Duration::from_secs(5), || postgres(&url, &quick, 3));
    assert_trouble(&result, "postgres", "timeout", "--timeout");
    assert_eq!(check(&result, "postgres")["attempts"], 2);
    kill(pid, Signal::SIGCONT).unwrap();
    postgres(&url, &["--wait", "10s"], 0);

    let waiting = thread::spawn({
        let url = url.clone();
        move || postgres(&url, &["--wait", "2s", "--timeout", "1s"], 3)
    });
    drop(server);
    let result = waiting.join().unwrap();
    assert!(
        ["refused", "closed", "starting"].contains(&check(&result, "postgres")["cause"].as_str().unwrap())
    );
    assert_trouble(&postgres(&url, &quick, 3), "postgres", "refused", "up -d postgres");
}
