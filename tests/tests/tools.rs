//! `af-tools` against a real server, as its users and their scripts meet it: what it does, what it prints, and with which
//! code it exits.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, connect, create_ledger, options, server};
use af_tests::ledger::{add_entries, add_tenant, disable_triggers, whole_chains};
use af_tests::tools::{self, Run, finish, run, run_with_input};
use af_tools::throwaway::Server;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use uuid::Uuid;

/// Runs a command on a database with `--json`; the document must say the exit code that the process had.
fn on(database: &Database, arguments: &[&str], input: &[u8]) -> (Run, Value) {
    let url = database.url();
    let run = run_with_input(&[&["--json", "--url", &url], arguments].concat(), input);
    let document = run.json();
    assert_eq!(document["schema_version"], 1, "{run:?}");
    assert_eq!(document["exit_code"].as_i64().map(|code| i32::try_from(code).unwrap()), run.code, "{run:?}");
    let command = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
    assert_eq!(document["command"], command.as_str(), "{run:?}");
    (run, document)
}

fn expect(database: &Database, arguments: &[&str], input: &[u8], code: i32) -> Value {
    let (run, document) = on(database, arguments, input);
    assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
    document
}

fn event(tenant: &str, n: usize) -> Value {
    json!({
        "tenant": tenant, "actor_type": "user", "actor_id": format!("user {n}"), "action": "read",
        "resource_type": "document", "resource_id": null, "ts": "2026-01-02T03:04:05.678901Z",
        "details": { "n": n, "text": "Ü \u{1f600} \u{7f} \"", "big": 9_007_199_254_740_993_u64, "nested": [{ "a": null }] },
    })
}

fn lines(events: &[Value]) -> Vec<u8> {
    events.iter().flat_map(|event| format!("{event}\n").into_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Entries and tenants of a database.
fn counts(database: &Database) -> (i64, i64) {
    let sql = "SELECT (SELECT count(*) FROM audits), (SELECT count(*) FROM tenants)";
    let row = database.connect().query_one(sql, &[]).unwrap();
    (row.get(0), row.get(1))
}

fn message(document: &Value) -> &str {
    document["error"]["message"].as_str().unwrap_or_else(|| panic!("no error message in {document}"))
}

#[test]
fn migrations_go_up_and_down_and_say_how_they_stand() {
    let database = Database::empty();
    let status = expect(&database, &["migrate", "status"], b"", 5);
    assert_eq!(status["result"]["migrations"][0]["state"], "pending");
    let pending = status["result"]["migrations"].as_array().unwrap().len();
    let up = expect(&database, &["migrate", "up"], b"", 0);
    let versions = up["result"]["migrations"].as_array().unwrap().iter().map(|one| one["version"].clone());
    assert_eq!(versions.collect::<Vec<_>>(), (1..=pending).map(|version| json!(version)).collect::<Vec<_>>());
    expect(&database, &["migrate", "status"], b"", 0);
    let again = expect(&database, &["migrate", "up"], b"", 0);
    assert_eq!(again["result"]["migrations"], json!([]));

    expect(&database, &["audit", "import", "-"], &lines(&[event("one", 1), event("one", 2)]), 0);
    expect(&database, &["audit", "verify"], b"", 0);

    // The newest one goes alone, and takes nothing of the ledger with it.
    let down = expect(&database, &["migrate", "down"], b"", 0);
    assert_eq!(down["result"]["migrations"].as_array().unwrap().len(), 1);
    assert_eq!(down["result"]["migrations"][0]["version"], pending);
    expect(&database, &["migrate", "status"], b"", 5);
    assert_eq!(counts(&database), (2, 1));
    // Guards of a schema that lacks a migration are not compared.
    expect(&database, &["audit", "verify"], b"", 4);
    expect(&database, &["audit", "verify", "--no-guards"], b"", 0);

    expect(&database, &["migrate", "down", "--to", "0", "--allow-data-loss"], b"", 0);
    expect(&database, &["migrate", "status"], b"", 5);
    let gone = "SELECT to_regclass('audits') IS NULL AND to_regclass('tenants') IS NULL";
    assert!(database.connect().query_one(gone, &[]).unwrap().get::<_, bool>(0));
    expect(&database, &["migrate", "up"], b"", 0);
    assert_eq!(counts(&database), (0, 0));
}

#[test]
fn an_import_is_stored_chained_and_verified_by_both() {
    let database = Database::new();
    let known = add_tenant(&mut database.connect(), "known");
    let names = ["known".to_owned(), "new".to_owned(), known.to_string()];
    let events: Vec<_> = (0..3_000).map(|n| event(&names[n % 3], n)).collect();
    for (file, input) in [("plain", lines(&events)), ("gzip", gzip(&lines(&events)))] {
        let document = expect(&database, &["audit", "import", "-"], &input, 0);
        assert_eq!(document["result"]["stored"], 3_000, "{file}");
    }
    let mut client = database.connect();
    let chains = whole_chains(&mut client);
    assert_eq!((chains.len(), chains[&known]), (2, 4_000));
    // In the order of the file, and nothing lost on the way, not even the last digit of a number.
    let row = client
        .query_one("SELECT details, ts = '2026-01-02 03:04:05.678901+00' FROM audits WHERE tenant_id = $1 AND seq = 2", &[&known])
        .unwrap();
    assert_eq!(row.get::<_, Value>(0), event("", 2)["details"]);
    assert!(row.get::<_, bool>(1));

    let outside = expect(&database, &["audit", "verify"], b"", 0);
    let inside = expect(&database, &["audit", "verify", "--in-database"], b"", 0);
    for key in ["status", "entries", "chains", "findings", "findings_total"] {
        assert_eq!(outside["result"][key], inside["result"][key], "{key}");
    }
    assert_eq!((&outside["result"]["status"], &outside["result"]["entries"]), (&json!("ok"), &json!(6_000)));
    assert_eq!(
        (&outside["result"]["method"], &inside["result"]["method"]),
        (&json!("outside"), &json!("in_database"))
    );
    assert!(outside["result"]["entries_per_second"].as_f64().unwrap() > 0.0);
    let one = expect(&database, &["audit", "verify", "--tenant", &known.to_string()], b"", 0);
    assert_eq!(
        (&one["result"]["entries"], &one["result"]["chains"][0]["head_seq"]),
        (&json!(4_000), &json!(4_000))
    );
}

#[test]
fn a_bad_line_is_named_and_nothing_of_its_file_is_stored() {
    let database = Database::new();
    let good = event("one", 1);
    let with = |key: &str, value: Value| {
        let mut event = good.clone();
        event[key] = value;
        event.to_string().into_bytes()
    };
    let without = |key: &str| {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(key);
        event.to_string().into_bytes()
    };
    let unknown = Uuid::new_v4().to_string();
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("not JSON", b"not json".to_vec()),
        ("cut short", good.to_string().into_bytes()[..80].to_vec()),
        ("an array", b"[1, 2]".to_vec()),
        ("not UTF-8", [b"{\"tenant\": \"", &[0xFF_u8][..], b"\"}"].concat()),
        ("no tenant", without("tenant")),
        ("no action", without("action")),
        ("a number for a text", with("actor_id", json!(7))),
        ("null for a text", with("action", Value::Null)),
        ("an object for a text", with("resource_type", json!({}))),
        ("a key that means nothing", with("colour", json!("red"))),
        ("a tenant that does not exist", with("tenant", json!(unknown))),
        ("a NUL in a text", with("actor_id", json!("a\u{0}b"))),
        ("a NUL in details", with("details", json!({ "a": "\u{0}" }))),
        ("no time", with("ts", json!("yesterday"))),
        ("no such day", with("ts", json!("2026-02-30T00:00:00Z"))),
        ("no zone", with("ts", json!("2026-02-03T00:00:00"))),
        ("infinity", with("ts", json!("infinity"))),
        ("year 10000", with("ts", json!("10000-01-01T00:00:00Z"))),
        ("year 0", with("ts", json!("0000-01-01T00:00:00Z"))),
        ("nanoseconds", with("ts", json!("2026-01-02T03:04:05.123456789Z"))),
        (
            "a lone surrogate",
            format!("{{\"details\": {{\"a\": \"\\ud800\"}}, {}", &good.to_string()[1..]).into_bytes(),
        ),
    ];
    for (what, line) in &bad {
        let input =
            [&lines(&vec![good.clone(); 4])[..], line, b"\n", &lines(std::slice::from_ref(&good))].concat();
        let document = expect(&database, &["audit", "import", "-"], &input, 1);
        let refusals =
            document["result"]["refusals"].as_array().unwrap_or_else(|| panic!("{what}: {document}"));
        assert_eq!(refusals.len(), 1, "{what}: {document}");
        assert_eq!(refusals[0]["line"], 5, "{what}: {document}");
        assert!(message(&document).contains("nothing was stored"), "{what}: {document}");
        assert_eq!(counts(&database), (0, 0), "{what}");
    }
    // Many bad lines at once, and the good ones between them if that is wanted.
    for bad in bad.chunks(12) {
        let between =
            |(_, line): &(&str, Vec<u8>)| [&line[..], b"\n", &lines(std::slice::from_ref(&good))].concat();
        let input: Vec<u8> = bad.iter().flat_map(between).collect();
        let document = expect(&database, &["audit", "import", "--keep-going", "-"], &input, 3);
        let count = bad.len();
        assert_eq!(
            (&document["result"]["stored"], &document["result"]["refused"]),
            (&json!(count), &json!(count))
        );
        let refusals = document["result"]["refusals"].as_array().unwrap();
        let refused: Vec<_> = refusals.iter().map(|refusal| refusal["line"].as_u64().unwrap()).collect();
        assert_eq!(
            refused,
            (0..count as u64).map(|n| 2 * n + 1).collect::<Vec<_>>(),
            "in the order of the file"
        );
    }
    assert_eq!(counts(&database), (i64::try_from(bad.len()).unwrap(), 1));
    whole_chains(&mut database.connect());
    expect(&database, &["audit", "verify"], b"", 0);
}

#[test]
fn input_that_cannot_be_read_stores_nothing() {
    let database = Database::new();
    let events: Vec<_> = (0..2_000).map(|n| event("one", n)).collect();
    let whole = gzip(&lines(&events));
    for cut in [whole.len() - 1, whole.len() - 8, whole.len() / 2, 15] {
        let document = expect(&database, &["audit", "import", "-"], &whole[..cut], 1);
        assert!(message(&document).contains("nothing was stored"), "{document}");
        assert_eq!(counts(&database), (0, 0), "cut at {cut} of {}", whole.len());
    }
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x55;
    expect(&database, &["audit", "import", "-"], &damaged, 1);
    for file in ["/nonexistent/events.ndjson", "/"] {
        expect(&database, &["audit", "import", file], b"", 1);
    }
    assert_eq!(counts(&database), (0, 0));
    // A file without events is no error: there was nothing to do.
    expect(&database, &["audit", "import", "-"], b"", 0);
    expect(&database, &["audit", "import", "-"], b"\n\n  \n", 0);
}

#[test]
fn a_database_without_ledger_extension_or_permission_is_explained() {
    let database = Database::empty();
    let input = lines(&[event("one", 1)]);
    for (arguments, input) in [
        (&["audit", "verify"][..], &b""[..]),
        (&["audit", "verify", "--in-database"], b""),
        (&["audit", "import", "-"], &input),
    ] {
        let document = expect(&database, arguments, input, 1);
        assert!(
            document["error"]["hint"].as_str().is_some_and(|hint| hint.contains("migrate up")),
            "{document}"
        );
    }

    let database = Database::new();
    let mut owner = database.connect();
    let tenant = add_tenant(&mut owner, "one");
    add_entries(&mut owner, tenant, 10);
    let stranger = format!("{}_stranger", database.name());
    let reader = format!("{}_reader", database.name());
    // In PostgreSQL 14 everybody may create tables in public, and `migrate up` gets that far.
    owner
        .batch_execute(&format!(
            "CREATE ROLE {stranger} LOGIN; CREATE ROLE {reader} LOGIN; GRANT SELECT ON audits TO {reader}; \
             REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        ))
        .unwrap();
    let as_role = |role: &str, arguments: &[&str], input: &[u8]| {
        run_with_input(
            &[&["--json", "--url", &server().url_as(role, database.name())], arguments].concat(),
            input,
        )
    };
    for arguments in [&["audit", "verify"][..], &["audit", "verify", "--in-database"], &["migrate", "up"]] {
        let run = as_role(&stranger, arguments, b"");
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        assert!(message(&run.json()).contains("permission denied"), "{arguments:?}: {run:?}");
    }
    assert_eq!(as_role(&reader, &["audit", "verify"], b"").code, Some(0));
    let run = as_role(&reader, &["audit", "import", "-"], &input);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(message(&run.json()).contains("nothing was stored"), "{run:?}");
    // What row-level security hides from a role, that role cannot prove.
    owner
        .batch_execute("CREATE POLICY others ON audits USING (tenant_id IS NULL); ALTER TABLE audits ENABLE ROW LEVEL SECURITY")
        .unwrap();
    for arguments in [&["audit", "verify"][..], &["audit", "verify", "--in-database"]] {
        assert_eq!(as_role(&reader, arguments, b"").code, Some(4), "{arguments:?}");
    }
    assert_eq!(counts(&database), (10, 1));
}

#[test]
fn what_cannot_be_reached_or_is_not_there_has_its_exit_code() {
    let database = Database::new();
    let run = run(&["--json", "--url", "postgresql:///nothing?host=/nonexistent", "audit", "verify"]);
    assert_eq!((run.code, run.json()["exit_code"].as_i64()), (Some(1), Some(1)));
    let missing = server().url("no_such_database");
    let run = tools::run(&["--json", "--url", &missing, "audit", "verify"]);
    assert_eq!(run.code, Some(1));
    assert!(message(&run.json()).contains("no_such_database"), "{run:?}");
    for usage in
        [&["audit", "frobnicate"][..], &["audit", "verify", "--tenant", "not-a-uuid"], &["--json"], &[]]
    {
        assert_eq!(tools::run(usage).code, Some(2), "{usage:?}");
    }
    // Nothing was checked: that is no proof of anything.
    let empty = expect(&database, &["audit", "verify"], b"", 4);
    assert_eq!(empty["result"]["entries"], 0);
    expect(&database, &["audit", "verify", "--allow-empty"], b"", 0);
    let stranger = Uuid::new_v4().to_string();
    expect(&database, &["audit", "verify", "--tenant", &stranger], b"", 4);
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 5);
    expect(&database, &["audit", "verify"], b"", 0);
    expect(&database, &["audit", "verify", "--tenant", &tenant.to_string(), "--tenant", &stranger], b"", 4);
}

#[test]
fn a_finding_is_exit_code_3_and_named_in_text_and_json() {
    let database = Database::new();
    let mut client = database.connect();
    let tenants = ["one", "two"].map(|name| add_tenant(&mut client, name));
    for tenant in tenants {
        add_entries(&mut client, tenant, 20);
    }
    disable_triggers(&mut client);
    let id: Uuid = client
        .query_one(
            "UPDATE audits SET actor_id = 'someone else' WHERE tenant_id = $1 AND seq = 7 RETURNING id",
            &[&tenants[1]],
        )
        .unwrap()
        .get(0);
    for arguments in [&["audit", "verify"][..], &["audit", "verify", "--in-database"]] {
        let document = expect(&database, arguments, b"", 3);
        let finding = &document["result"]["findings"][0];
        assert_eq!(finding["tenant_id"], tenants[1].to_string(), "{document}");
        assert_eq!((&finding["seq"], &finding["id"]), (&json!(7), &json!(id.to_string())), "{document}");
        assert_eq!(
            (&finding["finding"], &document["result"]["findings_total"]),
            (&json!("altered"), &json!(1))
        );
        let text = run(&[&["--url", &database.url()], arguments].concat());
        assert_eq!(text.code, Some(3));
        for word in ["altered", "7", &id.to_string()] {
            assert!(text.stdout.contains(word), "{word} is not in {text:?}");
        }
    }
    // The other tenant's chain is fine by itself.
    expect(&database, &["audit", "verify", "--tenant", &tenants[0].to_string()], b"", 0);
    expect(&database, &["audit", "verify", "--tenant", &tenants[1].to_string()], b"", 3);
}

#[test]
fn a_server_that_goes_in_the_middle_of_an_import_stores_nothing() {
    let mut server = Server::start(&options()).unwrap();
    server.create_database("ledger").unwrap();
    create_ledger(&mut connect(&server.url("ledger")));
    let url = server.url("ledger");
    let mut command = tools::command(&["--json", "--url", &url, "audit", "import", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // It never gets to the end of its input, so that it is certain to be in the middle.
    let writer = thread::spawn(move || {
        let chunk = lines(&(0..500).map(|n| event("one", n)).collect::<Vec<_>>());
        while pipe.write_all(&chunk).is_ok() {}
    });
    let mut observer = connect(&server.url("postgres"));
    let inserting = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation IS NOT NULL AND mode = 'RowExclusiveLock' AND database = \
                     (SELECT oid FROM pg_database WHERE datname = 'ledger'))";
    let deadline = Instant::now() + Duration::from_secs(30);
    while !observer.query_one(inserting, &[]).unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "the import does not begin");
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(300));
    server.kill().unwrap();
    let run = finish(child);
    writer.join().unwrap();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(message(&run.json()).contains("nothing was stored"), "{run:?}");
    server.restart().unwrap();
    let row = connect(&url)
        .query_one("SELECT (SELECT count(*) FROM audits), (SELECT count(*) FROM tenants)", &[])
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (0, 0));
}

/// Real events, where this machine has them: beside the source tree, or where the variable says.
fn real_events() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cloudtrail-audits.ndjson.gz");
    let path = std::env::var_os("AF_TEST_EVENTS").map_or(beside, PathBuf::from);
    path.is_file().then_some(path)
}

#[test]
fn real_events_import_and_verify() {
    let Some(path) = real_events() else {
        // Not by a macro: the harness would keep that for itself when the test passes.
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: real events; AF_TEST_EVENTS names cloudtrail-audits.ndjson.gz, where it is not beside the sources"
        );
        return;
    };
    let database = Database::new();
    let document = expect(&database, &["audit", "import", path.to_str().unwrap()], b"", 0);
    assert_eq!(document["result"]["stored"], 1_450);
    assert_eq!(whole_chains(&mut database.connect()).values().sum::<i64>(), 1_450);
    for arguments in [&["audit", "verify"][..], &["audit", "verify", "--in-database"]] {
        assert_eq!(expect(&database, arguments, b"", 0)["result"]["entries"], 1_450);
    }
    let demo = run(&["demo", "--input", path.to_str().unwrap()]);
    assert_eq!(demo.code, Some(0), "{demo:?}");
    assert!(demo.stdout.contains("1450") || demo.stdout.contains("1,450"), "{demo:?}");
}

#[test]
fn the_demo_goes_from_import_to_the_finding() {
    let demo = run(&["demo"]);
    assert_eq!(demo.code, Some(0), "{demo:?}");
    assert!(demo.stdout.contains("altered"), "{demo:?}");
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("events.ndjson");
    std::fs::write(&file, lines(&(0..50).map(|n| event(["a", "b"][n % 2], n)).collect::<Vec<_>>())).unwrap();
    let demo = run(&["demo", "--input", file.to_str().unwrap()]);
    assert_eq!(demo.code, Some(0), "{demo:?}");
    assert!(demo.stdout.contains("50") && demo.stdout.contains("altered"), "{demo:?}");
    std::fs::write(&file, "no event\n").unwrap();
    assert_eq!(run(&["demo", "--input", file.to_str().unwrap()]).code, Some(1));
}
