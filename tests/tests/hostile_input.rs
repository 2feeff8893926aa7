//! Input and databases that are not as they should be: what is refused is refused whole, with a reason that a person can
//! read, and costs no more memory or time than it deserves.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, connect, server};
use af_tests::ledger::{add_tenant, disable_triggers, insert, whole_chains};
use af_tests::platform::{KEPT, OVERALL, TABLES};
use af_tests::tools::{self, Run, run, run_with_input};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// What all migrations create: the tables that belong to tenants, the tenants, and sqlx's book.
const MIGRATED_TABLES: i64 = (TABLES.len() + KEPT.len() + OVERALL.len()) as i64 + 2;

const LINE: &str =
    r#"{"tenant": "one", "actor_type": "u", "actor_id": "a", "action": "x", "resource_type": "r""#;

/// An event with something added.
fn line(more: &str) -> String {
    format!("{LINE}{more}}}\n")
}

fn import(database: &Database, input: &str) -> Run {
    run_with_input(&["--json", "--url", &database.url(), "audit", "import", "-"], input.as_bytes())
}

/// The reason why the only line was refused.
fn refusal(database: &Database, input: &str) -> String {
    let run = import(database, input);
    let document = run.json();
    assert_eq!((run.code, &document["exit_code"]), (Some(1), &json!(1)), "{document}");
    assert_eq!(document["result"]["refused"], 1, "{document}");
    document["result"]["refusals"][0]["reason"].as_str().expect("a reason").to_owned()
}

/// Schemas of the database's own, and tables in them.
fn contents(url: &str) -> (i64, i64) {
    let sql = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$|^public$'), \
                      (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                       WHERE relkind = 'r' AND nspname !~ '^pg_|^information_schema$')";
    let row = connect(url).query_one(sql, &[]).unwrap();
    (row.get(0), row.get(1))
}

/// Runs `migrate` with `--json`, and holds the exit code in the document against that of the process.
fn migrate(url: &str, arguments: &[&str]) -> (Run, Value) {
    let run = run(&[&["--json", "--url", url], arguments].concat());
    let document = run.json();
    assert_eq!(document["exit_code"].as_i64(), run.code.map(i64::from), "{run:?}");
    (run, document)
}

fn message(document: &Value) -> &str {
    document["error"]["message"].as_str().unwrap_or_else(|| panic!("no error in {document}"))
}

/// A reason quotes what a line holds; it once did so in full, twenty times over.
#[test]
fn a_reason_is_short_however_long_the_line() {
    const LENGTH: usize = 8 << 20;
    let database = Database::new();
    let long = "k".repeat(LENGTH);
    for input in [line(&format!(r#", "{long}": 1"#)), format!("\"{long}\"\n")] {
        let reason = refusal(&database, &input);
        assert!(reason.chars().count() < 1_000, "{} characters", reason.chars().count());
        assert!(reason.contains("kkk"), "{reason}");
    }
    // Too long for the index on names.
    let reason = refusal(&database, &line("").replace("\"one\"", &format!("\"{long}\"")));
    assert!(reason.starts_with("tenant: ") && reason.contains("54000"), "{reason}");
    assert_eq!(contents(&database.url()), (0, 2));
}

/// Somebody types `audit import -` and thinks better of it; so does a script whose other half hangs.
#[test]
fn an_interrupt_ends_an_import_that_waits_for_its_input() {
    let database = Database::new();
    let url = database.url();
    let mut command = tools::command(&["--json", "--url", &url, "audit", "import", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(line("").as_bytes()).unwrap();
    // It has come as far as to its transaction, and waits for more.
    let mut observer = database.connect();
    let deadline = Instant::now() + Duration::from_secs(30);
    let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name = 'af-tools' AND state = 'idle in transaction')";
    while !observer.query_one(waiting, &[]).unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "the import does not begin");
        thread::sleep(Duration::from_millis(10));
    }
    let asked = Instant::now();
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let run = tools::finish(child);
    drop(pipe);
    assert!(asked.elapsed() < Duration::from_secs(5), "it took {:?}", asked.elapsed());
    assert_eq!((run.code, run.json()["exit_code"].as_i64()), (Some(130), Some(130)), "{run:?}");
    assert_eq!(whole_chains(&mut database.connect()).len(), 0);
}

#[test]
fn a_key_cannot_pass_for_a_message() {
    let database = Database::new();
    let input = line(r#", "colour\nerror: the ledger is lost\u001b[2J": 1"#);
    let run = run_with_input(&["--url", &database.url(), "audit", "import", "-"], input.as_bytes());
    assert_eq!(run.code, Some(1));
    assert!(!run.stderr.lines().any(|line| line.starts_with("error: the ledger")), "{run:?}");
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
}

/// PostgreSQL writes numbers without exponents: in 300 kB of them is more text than it can ever give out again, and an
/// entry that no client can read is one that no client can verify.
#[test]
fn what_could_not_be_read_again_is_not_imported() {
    let database = Database::new();
    let details = |count: usize| line(&format!(r#", "details": [{}]"#, vec!["1e131071"; count].join(",")));
    assert!(refusal(&database, &details(30_000)).contains("numbers written out"));
    assert_eq!(import(&database, &details(100)).code, Some(0));
    assert_eq!(run(&["--url", &database.url(), "audit", "verify"]).code, Some(0));
    whole_chains(&mut database.connect());
}

/// Many tenants with long names: each is looked up or created once, also where not all can be remembered.
#[test]
fn long_names_of_tenants_are_not_remembered_without_end() {
    const TENANTS: usize = 300;
    let database = Database::new();
    let name = |n: usize| format!("{n:04}{}", "n".repeat(200_000));
    let mut input = String::new();
    for n in 0..TENANTS {
        input.push_str(&line("").replace("\"one\"", &format!("\"{}\"", name(n))));
    }
    for created in [TENANTS, 0] {
        let document = import(&database, &input).json();
        assert_eq!(document["result"]["stored"], TENANTS, "{}", document["error"]);
        assert_eq!(document["result"]["tenants_created"], created);
    }
    assert_eq!(whole_chains(&mut database.connect()).len(), TENANTS);
}

#[test]
fn migrations_that_are_refused_leave_nothing_behind() {
    let database = Database::empty();
    let role = format!("{}_role", database.name());
    let mut owner = database.connect();
    owner.batch_execute(&format!("CREATE ROLE {role} LOGIN")).unwrap();
    let url = server().url_as(&role, database.name());
    let grants = [
        "SELECT 1".to_owned(),
        format!("GRANT CREATE ON SCHEMA public TO {role}"),
        format!("GRANT CREATE ON DATABASE {} TO {role}", database.name()),
    ];
    for grant in grants {
        owner.batch_execute(&grant).unwrap();
        for arguments in [&["migrate", "up"][..], &["--schema", "x", "migrate", "up"]] {
            let (run, document) = migrate(&url, arguments);
            assert_eq!(run.code, Some(1), "{grant}: {run:?}");
            assert!(message(&document).contains("42501"), "{document}");
            assert_eq!(contents(&database.url()), (0, 0), "{grant}: {arguments:?}");
        }
    }
    // Neither does a migration of somebody's own that fails in its second statement.
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("0001_bad.up.sql"), "CREATE TABLE x (); SELECT 1 / 0").unwrap();
    let source = directory.path().to_str().unwrap();
    let (run, document) = migrate(&database.url(), &["--schema", "x", "migrate", "up", "--source", source]);
    assert_eq!(run.code, Some(1));
    assert!(message(&document).contains("migration 1") && message(&document).contains("22012"), "{document}");
    assert_eq!(contents(&database.url()), (0, 0));
    // And the first that can be applied brings everything it needs.
    let (run, _) = migrate(&database.url(), &["--schema", "x", "migrate", "up"]);
    assert_eq!((run.code, contents(&database.url())), (Some(0), (1, MIGRATED_TABLES)), "{run:?}");
}

#[test]
fn a_database_without_unicode_is_refused_by_name() {
    let name = "latin";
    let mut client = connect(&server().url("postgres"));
    client
        .batch_execute(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
        .unwrap();
    for arguments in [&["migrate", "up"][..], &["--schema", "x", "migrate", "up"]] {
        let (run, document) = migrate(&server().url(name), arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        for word in ["pg_af", "LATIN1", "UTF8"] {
            assert!(message(&document).contains(word), "{document}");
        }
        assert_eq!(contents(&server().url(name)), (0, 0));
    }
}

/// PostgreSQL cuts a long name off, and takes `"$user"` for another schema: both once led to the wrong tables in silence.
#[test]
fn a_schema_is_the_one_that_is_named_or_none() {
    let database = Database::empty();
    let too_long = "x".repeat(64);
    for bad in ["", "$user", &too_long] {
        for arguments in [&["migrate", "up"], &["migrate", "status"], &["audit", "verify"]] {
            let (run, document) = migrate(&database.url(), &[&["--schema", bad], &arguments[..]].concat());
            assert_eq!(run.code, Some(1), "{bad}: {run:?}");
            assert!(message(&document).contains("select schema: the name"), "{document}");
        }
    }
    assert_eq!(contents(&database.url()), (0, 0));
    for (count, odd) in (1..).zip(["a b", "a\"b", "a'; DROP SCHEMA public", "a,b", "é", &too_long[1..]]) {
        for (arguments, code) in [
            (&["migrate", "up"][..], 0),
            (&["migrate", "status"], 0),
            (&["audit", "verify", "--allow-empty"], 0),
        ] {
            let (run, _) = migrate(&database.url(), &[&["--schema", odd], arguments].concat());
            assert_eq!(run.code, Some(code), "{odd}: {run:?}");
        }
        assert_eq!(contents(&database.url()), (count, MIGRATED_TABLES * count), "{odd}");
    }
}

/// The table is sqlx's: what its own tool has written is read, and what this writes has the same form.
#[test]
fn the_book_of_migrations_is_the_one_that_sqlx_keeps() {
    let database = Database::empty();
    assert_eq!(migrate(&database.url(), &["migrate", "up"]).0.code, Some(0));
    let mut client = database.connect();
    let columns: Vec<String> = client
        .query(
            "SELECT attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute \
             WHERE attrelid = '_sqlx_migrations'::regclass AND attnum > 0 AND attnotnull ORDER BY attnum",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let expected = [
        "version bigint",
        "description text",
        "installed_on timestamp with time zone",
        "success boolean",
        "checksum bytea",
        "execution_time bigint",
    ];
    assert_eq!(columns, expected);
    let fits = "SELECT success AND octet_length(checksum) = 48 AND execution_time > 0 AND description = 'tenants and audits' \
                FROM _sqlx_migrations WHERE version = 1";
    assert!(client.query_one(fits, &[]).unwrap().get::<_, bool>(0));
    // One that somebody began and did not finish, and one that nobody here knows, are in the way.
    for (change, word) in [
        ("UPDATE _sqlx_migrations SET success = false", "was begun and did not come to its end"),
        (
            "UPDATE _sqlx_migrations SET success = true; UPDATE _sqlx_migrations SET version = 99 WHERE version = 1",
            "is applied, but missing",
        ),
    ] {
        client.batch_execute(change).unwrap();
        for arguments in [["migrate", "up"], ["migrate", "down"]] {
            let (run, document) = migrate(&database.url(), &arguments);
            assert_eq!(run.code, Some(1), "{run:?}");
            assert!(message(&document).contains(word), "{document}");
        }
    }
    assert_eq!(migrate(&database.url(), &["migrate", "status"]).0.code, Some(3));
}

/// An entry that the server cannot send (an insert can make one: the import cannot) is no tampering, and no reason to be
/// at a loss.
#[test]
fn an_entry_too_long_to_send_is_explained() {
    let database = Database::new();
    let mut client = database.connect();
    let (long, other) = (add_tenant(&mut client, "long"), add_tenant(&mut client, "other"));
    insert(&mut client, other);
    // The trigger takes no such entry; who owns the table can do without it.
    disable_triggers(&mut client);
    let sql = "INSERT INTO audits \
               SELECT tenant_id, seq, id, ts, 'u', 'a', 'x', 'r', NULL, details, 1::smallint, NULL, \
                      af_audit_hash(NULL, 1::smallint, tenant_id, seq, id, 'u', 'a', 'x', 'r', NULL, details, ts) \
               FROM (SELECT $1::uuid, 1::bigint, gen_random_uuid(), now(), jsonb_agg(1e131071) \
                     FROM generate_series(1, 9000)) AS entry (tenant_id, seq, id, ts, details)";
    client.execute(sql, &[&long]).unwrap();
    let verify = |more: &[&str]| migrate(&database.url(), &[&["audit", "verify"], more].concat());
    let (run, document) = verify(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let hint = document["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("--in-database") && hint.contains("--tenant"), "{document}");
    assert_eq!(verify(&["--in-database"]).0.code, Some(0));
    assert_eq!(verify(&["--tenant", &other.to_string()]).0.code, Some(0));
}
