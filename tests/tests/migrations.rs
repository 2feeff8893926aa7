//! Migrations lead both ways, one migrator at a time; they destroy nothing in silence, and what fails leaves no trace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use af_tests::database::{Database, connect, dumped_schema, server};
use af_tests::ledger::{add_entries, add_tenant};
use af_tests::platform::add_tenant_with_rows;
use af_tests::tools::{self, Run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Runs `migrate` with `--json`; the document must say the exit code that the process had.
fn migrate(url: &str, arguments: &[&str], code: i32) -> Value {
    let run = tools::run(&[&["--json", "--url", url, "migrate"], arguments].concat());
    let document = run.json();
    assert_eq!(document["exit_code"], run.code.unwrap(), "{run:?}");
    assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
    document
}

fn message(document: &Value) -> &str {
    document["error"]["message"].as_str().unwrap_or_else(|| panic!("no error in {document}"))
}

fn hint(document: &Value) -> &str {
    document["error"]["hint"].as_str().unwrap_or_else(|| panic!("no hint in {document}"))
}

/// The versions that a document names, with their states.
fn states(document: &Value) -> Vec<(i64, &str)> {
    let migrations = document["result"]["migrations"].as_array().unwrap_or_else(|| panic!("{document}"));
    migrations.iter().map(|one| (one["version"].as_i64().unwrap(), one["state"].as_str().unwrap())).collect()
}

/// A directory with migrations of the test's own.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Runs `migrate` with these migrations.
    fn migrate(&self, url: &str, arguments: &[&str], code: i32) -> Value {
        let source = ["--source", self.0.path().to_str().unwrap()];
        migrate(url, &[arguments, &source].concat(), code)
    }
}

fn tables(client: &mut Client) -> Vec<String> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
}

#[test]
fn the_embedded_migrations_pass_their_own_test() {
    let database = Database::empty();
    let document = migrate(&database.url(), &["test"], 0);
    let result = &document["result"];
    let versions: Vec<i64> = serde_json::from_value(result["applied"].clone()).unwrap();
    assert!(versions.len() > 2, "{document}");
    let back: Vec<i64> = versions.iter().rev().copied().collect();
    assert_eq!((&result["reverted"], &result["findings"]), (&json!(back), &json!([])), "{document}");
    assert_eq!((&result["is_compared"], &result["untried"]), (&json!(true), &json!([])), "{document}");
    // In a database of its own, which is gone.
    let mut client = database.connect();
    assert!(tables(&mut client).is_empty());
    // Another test may be at it just now; what was left behind would stay.
    let scratch = "SELECT count(*) FROM pg_database WHERE datname LIKE 'af\\_migrate\\_test\\_%'";
    wait_for_count(&mut client, scratch, 0);
}

/// Waits until a query counts so many.
fn wait_for_count(client: &mut Client, sql: &str, count: i64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while client.query_one(sql, &[]).unwrap().get::<_, i64>(0) != count {
        assert!(Instant::now() < deadline, "{sql}: not {count}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_test_finds_where_the_way_back_or_the_end_is_another_one() {
    let database = Database::empty();
    let url = &database.url();
    let one =
        ("1_a.up.sql", "CREATE TABLE a (n int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let forgets = Folder::new(&[one, ("1_a.down.sql", "DROP TABLE a")]);
    let document = forgets.migrate(url, &["test"], 3);
    let findings = document["result"]["findings"].as_array().unwrap();
    assert_eq!(
        (findings.len(), &findings[0]["stage"], &findings[1]["stage"]),
        (2, &json!("down"), &json!("up_again"))
    );
    assert!(findings[0]["diff"].as_str().unwrap().contains("+CREATE FUNCTION public.f()"), "{document}");
    assert!(findings[1]["error"].as_str().unwrap().contains("already exists"), "{document}");
    let run = tools::run(&["--url", url, "migrate", "test", "--source", forgets.0.path().to_str().unwrap()]);
    assert!(run.stdout.contains("down from 1: the schema is not the one that was there before"), "{run:?}");
    assert!(run.stdout.contains("not tried down and up again: 1"), "{run:?}");

    // Where an up can be run twice, only the schema tells.
    let twice = Folder::new(&[
        ("1_a.up.sql", "CREATE TABLE IF NOT EXISTS a (n int); ALTER TABLE a ADD COLUMN IF NOT EXISTS m int"),
        ("1_a.down.sql", "ALTER TABLE a DROP COLUMN IF EXISTS n"),
    ]);
    let document = twice.migrate(url, &["test"], 3);
    let findings = document["result"]["findings"].as_array().unwrap();
    let stages: Vec<&Value> = findings.iter().map(|finding| &finding["stage"]).collect();
    assert_eq!(stages, [&json!("down"), &json!("up_again")], "{document}");
    assert!(findings.iter().all(|finding| finding["diff"].is_string()), "{document}");

    let whole = Folder::new(&[one, ("1_a.down.sql", "DROP TABLE a; DROP FUNCTION f")]);
    let document = whole.migrate(url, &["test"], 0);
    assert_eq!(document["result"]["is_compared"], false, "{document}");
    let file = whole.0.path().join("schema.txt");
    let file = file.to_str().unwrap();
    whole.migrate(url, &["test", "--write", file], 0);
    assert_eq!(whole.migrate(url, &["test", "--expect", file], 0)["result"]["is_compared"], true);
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, text.replace('\n', "\r\n")).unwrap();
    whole.migrate(url, &["test", "--expect", file], 0);
    fs::write(file, text.replace("n integer", "n bigint")).unwrap();
    let document = whole.migrate(url, &["test", "--expect", file], 3);
    let diff = document["result"]["findings"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("-    n bigint") && diff.contains("+    n integer"), "{document}");

    // What was not tried is not said to be fine.
    assert!(message(&Folder::new(&[]).migrate(url, &["test"], 4)).contains("no migrations"));
    let one_way = Folder::new(&[("1_a.sql", "CREATE TABLE a ()"), ("2_b.up.sql", ""), ("2_b.down.sql", "")]);
    let document = one_way.migrate(url, &["test"], 4);
    assert_eq!(document["result"]["untried"], json!([1]), "{document}");
    assert_eq!(document["result"]["reverted"], json!([2]), "{document}");
    let broken = Folder::new(&[("1_a.sql", "SELECT 1 / 0")]);
    let document = broken.migrate(url, &["test"], 3);
    let error = document["result"]["findings"][0]["error"].as_str().unwrap();
    assert!(error.contains("apply migration 1, line 1") && error.contains("division by zero"), "{document}");
    assert!(message(&migrate(url, &["test", "--schema", "x"], 1)).contains("--schema"));
}

#[test]
fn the_way_is_as_long_as_it_is_asked_for() {
    let database = Database::empty();
    let url = &database.url();
    let document = migrate(url, &["up", "--to", "2", "--dry-run"], 0);
    assert_eq!(states(&document), [(1, "pending"), (2, "pending")]);
    assert_eq!(document["result"]["is_done"], false);
    assert!(tables(&mut database.connect()).is_empty());
    assert_eq!(states(&migrate(url, &["up", "--to", "1"], 0)), [(1, "applied")]);
    assert_eq!(states(&migrate(url, &["up", "--to", "2"], 0)), [(2, "applied")]);
    assert_eq!(states(&migrate(url, &["up", "--to", "2"], 0)), []);
    assert_eq!(states(&migrate(url, &["status"], 5))[1..3], [(2, "applied"), (3, "pending")]);
    for (arguments, words) in [
        (&["up", "--to", "1"][..], "the database is at 2"),
        (&["up", "--to", "99"], "no migration 99"),
        (&["down", "--to", "99"], "no migration 99"),
        (&["down", "--to", "3"], "the database is at 2"),
        (&["down", "--steps", "3"], "2 migrations are applied"),
    ] {
        assert!(message(&migrate(url, arguments, 1)).contains(words), "{arguments:?}");
    }
    for arguments in
        [&["up", "--to", "0"][..], &["down", "--to", "-1"], &["down", "--to", "1", "--steps", "1"]]
    {
        migrate(url, arguments, 2);
    }
    let before = dumped_schema(url);
    let document = migrate(url, &["down", "--to", "0", "--dry-run"], 0);
    assert_eq!(states(&document), [(2, "applied"), (1, "applied")]);
    assert_eq!(dumped_schema(url), before);
    assert_eq!(states(&migrate(url, &["down", "--to", "2"], 0)), []);
    assert_eq!(states(&migrate(url, &["down", "--steps", "2"], 0)), [(2, "pending"), (1, "pending")]);
    assert_eq!(tables(&mut database.connect()), ["_sqlx_migrations"]);
    assert_eq!(states(&migrate(url, &["down"], 0)), []);
}

#[test]
fn nothing_that_holds_data_is_dropped_in_silence() {
    let database = Database::migrated();
    let url = &database.url();
    let mut client = database.connect();
    for name in ["one", "other"] {
        let tenant = add_tenant_with_rows(&mut client, name);
        add_entries(&mut client, tenant, 9);
    }
    let before = dumped_schema(url);
    for (arguments, code) in [(&["down", "--to", "0"][..], 1), (&["down", "--to", "0", "--dry-run"], 0)] {
        let document = migrate(url, arguments, code);
        let losses = document["result"]["losses"].as_array().unwrap();
        assert_eq!(losses.len(), 11, "{document}");
        let ledger = json!({"version": 1, "lost": "table", "table": "audits", "rows": 20, "chains": 2});
        assert!(losses.contains(&ledger), "{document}");
        assert!(
            losses.contains(&json!({"version": 2, "lost": "table", "table": "messages", "rows": 2})),
            "{document}"
        );
        if code == 1 {
            assert!(message(&document).contains("audit ledger audits: 20 entries in 2 chains"), "{document}");
            assert!(hint(&document).contains("--allow-data-loss"), "{document}");
        }
        assert_eq!(dumped_schema(url), before);
        assert_eq!(client.query_one("SELECT count(*) FROM audits", &[]).unwrap().get::<_, i64>(0), 20);
        migrate(url, &["status"], 0);
    }
    // What drops nothing needs no leave.
    let down = migrate(url, &["down", "--to", "2"], 0);
    assert_eq!(down["result"].get("losses"), None, "{down}");
    let run = tools::run(&["--url", url, "migrate", "down", "--to", "1"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("would be lost: table users: 2 rows"), "{run:?}");
    assert!(run.stderr.contains("nothing was reverted"), "{run:?}");
    let run = tools::run(&["--url", url, "migrate", "down", "--to", "0", "--allow-data-loss"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("lost: audit ledger audits: 20 entries in 2 chains"), "{run:?}");
    assert_eq!(tables(&mut client), ["_sqlx_migrations"]);
}

/// Row-level security is forced on the tables: an owner who looks finds them empty, and must not be taken at his word.
#[test]
fn an_owner_who_sees_no_rows_does_not_lose_them_in_silence() {
    let database = Database::migrated();
    let mut client = database.connect();
    add_tenant_with_rows(&mut client, "one");
    let owner = format!("{}_owner", database.name());
    client.batch_execute(&format!("CREATE ROLE {owner} LOGIN")).unwrap();
    for table in tables(&mut client) {
        client.batch_execute(&format!("ALTER TABLE {table} OWNER TO {owner}")).unwrap();
    }
    client.batch_execute(&format!("ALTER FUNCTION af_set_updated_at OWNER TO {owner}")).unwrap();
    let url = &database.url_as(&owner);
    let folder = Folder::new(&[]);
    for migration in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql/migrations")).unwrap() {
        let migration = migration.unwrap();
        let mut text = fs::read_to_string(migration.path()).unwrap();
        // Leaves row-level security as it is.
        if migration.file_name() == "0003_tenant_isolation.down.sql" {
            text = String::from("SELECT 1");
        }
        folder.write(migration.file_name().to_str().unwrap(), &text);
    }
    assert_eq!(connect(url).query_one("SELECT count(*) FROM users", &[]).unwrap().get::<_, i64>(0), 0);
    let document = folder.migrate(url, &["down", "--to", "1"], 1);
    assert!(message(&document).contains("table users: 1 row;"), "{document}");
    let forced = "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname IN ('users', 'audits')";
    assert!(client.query_one(forced, &[]).unwrap().get::<_, bool>(0));
}

/// A row that comes while the way back waits for its table is counted too.
#[test]
fn a_row_that_comes_late_is_not_lost_in_silence() {
    let database = Database::new();
    let folder = Folder::new(&[("1_a.up.sql", "CREATE TABLE a (n int)"), ("1_a.down.sql", "DROP TABLE a")]);
    folder.migrate(&database.url(), &["up"], 0);
    let (mut writer, mut observer) = (database.connect(), database.connect());
    let mut transaction = writer.transaction().unwrap();
    transaction.batch_execute("INSERT INTO a VALUES (1)").unwrap();
    thread::scope(|scope| {
        let down = scope.spawn(|| folder.migrate(&database.url(), &["down"], 1));
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass";
        wait_for_count(&mut observer, waits, 1);
        transaction.commit().unwrap();
        assert!(message(&down.join().unwrap()).contains("table a: 1 row"));
    });
    assert_eq!(observer.query_one("SELECT count(*) FROM a", &[]).unwrap().get::<_, i64>(0), 1);
}

#[test]
fn a_column_with_values_counts_as_data() {
    let database = Database::new();
    let url = &database.url();
    let folder = Folder::new(&[
        ("1_a.up.sql", "CREATE TABLE a (n int)"),
        ("1_a.down.sql", "DROP TABLE a"),
        (
            "2_b.up.sql",
            "ALTER TABLE a ADD COLUMN \"odd; name\" int, ADD COLUMN twice int GENERATED ALWAYS AS (n * 2) STORED",
        ),
        ("2_b.down.sql", "ALTER TABLE a DROP COLUMN twice, DROP COLUMN \"odd; name\""),
    ]);
    folder.migrate(url, &["up"], 0);
    database.connect().batch_execute("INSERT INTO a (n) VALUES (1), (2)").unwrap();
    folder.migrate(url, &["down"], 0);
    folder.migrate(url, &["up"], 0);
    database.connect().batch_execute("UPDATE a SET \"odd; name\" = 7 WHERE n = 2").unwrap();
    let document = folder.migrate(url, &["down"], 1);
    assert!(message(&document).ends_with("column \"odd; name\" of table a: 1 value"), "{document}");
}

#[test]
fn rows_that_a_script_deletes_count_as_data() {
    let database = Database::new();
    let url = &database.url();
    let up = "CREATE TABLE a (n int); CREATE TABLE p (n int) PARTITION BY LIST (n); \
              CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2); \
              INSERT INTO a VALUES (1), (2), (3); INSERT INTO p SELECT * FROM a WHERE n < 3";
    for (down, told) in [
        ("DELETE FROM a WHERE n > 1", "2 rows of table a"),
        ("TRUNCATE a", "3 rows of table a"),
        ("DELETE FROM p WHERE n = 2", "1 row of table p2"),
        ("DROP TABLE p1", "table p1: 1 row"),
        ("DROP TABLE p", "table p: 2 rows"),
        ("DELETE FROM a; TRUNCATE p", "3 rows of table a; 1 row of table p1; 1 row of table p2"),
        // Nothing is lost by these.
        ("UPDATE a SET n = n + 1", ""),
        ("ALTER TABLE a ALTER n TYPE bigint", ""),
        ("DELETE FROM a WHERE n > 3", ""),
        ("CREATE TABLE b AS SELECT * FROM a; DELETE FROM b; DROP TABLE b", ""),
    ] {
        let folder = Folder::new(&[("1_a.up.sql", up), ("1_a.down.sql", down)]);
        folder.migrate(url, &["up"], 0);
        let document = folder.migrate(url, &["down"], if told.is_empty() { 0 } else { 1 });
        if !told.is_empty() {
            assert!(message(&document).ends_with(&format!("destroy data: {told}")), "{down}: {document}");
            let kept: i64 = database.connect().query_one("SELECT count(*) FROM a, p", &[]).unwrap().get(0);
            assert_eq!(kept, 6, "{down}");
        }
        database.connect().batch_execute("DROP TABLE a, p; DROP TABLE _sqlx_migrations").unwrap();
    }
}

#[test]
fn a_migration_that_fails_leaves_the_database_as_it_was_and_says_where() {
    let database = Database::new();
    let url = &database.url();
    let before = dumped_schema(url);
    let good = "CREATE TABLE a (n int);\n\nINSERT INTO a VALUES (0); -- fine\n";
    for (text, line, words) in [
        ("\n/* a */ SELECT 1 /\n n FROM a;\n", 5, "division by zero [SQLSTATE 22012]"),
        ("SELECT 1;\nSELECT n,\n  m\nFROM a;\n", 6, "column \"m\" does not exist"),
        ("SELEC 1;\n", 4, "syntax error"),
        ("SELECT 'é', n FROM a; SELECT 'é',\n\n oops();", 6, "oops"),
        ("DO $$\nBEGIN\n  RAISE 'mine';\nEND $$;", 4, "mine"),
        ("ALTER TABLE a ADD CHECK (n > 0);", 4, "violated by some row"),
        ("SELECT 'no end", 4, "unterminated"),
    ] {
        let folder = Folder::new(&[("1_a.sql", &format!("{good}{text}"))]);
        let document = folder.migrate(url, &["up"], 1);
        let message = message(&document);
        assert!(message.starts_with(&format!("apply migration 1, line {line} (")), "{text}: {message}");
        assert!(message.contains(words), "{text}: {message}");
        assert_eq!(dumped_schema(url), before, "{text}");
        assert_eq!(states(&folder.migrate(url, &["status"], 5)), [(1, "pending")]);
    }
    // Those before it stay, and so do all when one of several ways back fails.
    let folder = Folder::new(&[
        ("1_a.up.sql", good),
        ("1_a.down.sql", "TRUNCATE a;\nSELECT 1 / count(*) FROM a"),
        ("2_b.up.sql", "CREATE TABLE b ()"),
        ("2_b.down.sql", "DROP TABLE b"),
        ("3_c.sql", "CREATE TABLE c ();\nCREATE TABLE b ()"),
    ]);
    assert!(message(&folder.migrate(url, &["up"], 1)).starts_with("apply migration 3, line 2 ("));
    assert_eq!(
        states(&folder.migrate(url, &["status"], 5)),
        [(1, "applied"), (2, "applied"), (3, "pending")]
    );
    let before = dumped_schema(url);
    let document = folder.migrate(url, &["down", "--to", "0"], 1);
    assert!(message(&document).starts_with("revert migration 1, line 2 ("), "{document}");
    assert_eq!(dumped_schema(url), before);
    // A script that would leave its transaction is not begun.
    let folder = Folder::new(&[("1_a.sql", "CREATE TABLE z ();\nCOMMIT;\nSELECT 1 / 0")]);
    let document = folder.migrate(url, &["status"], 1);
    assert!(message(&document).contains("line 2 (COMMIT)"), "{document}");
    assert!(hint(&document).contains("-- no-transaction"), "{document}");
}

#[test]
fn one_migrates_and_the_others_wait_or_are_told_who_does() {
    let database = Database::new();
    let url = &database.url();
    let folder = Folder::new(&[("1_slow.sql", "SELECT pg_sleep(1.5); CREATE TABLE slow ()")]);
    let mut observer = database.connect();
    thread::scope(|scope| {
        let first = scope.spawn(|| folder.migrate(url, &["up"], 0));
        let at_it =
            "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'";
        wait_for_count(&mut observer, &format!("SELECT count(*) {at_it}"), 1);
        let pid: i32 = observer.query_one(&format!("SELECT pid {at_it}"), &[]).unwrap().get(0);
        for arguments in [["up", "--lock-timeout", "50ms"], ["down", "--lock-timeout", "0s"]] {
            let document = folder.migrate(url, &arguments, 1);
            let words = format!("by server process {pid}, af-tools as postgres");
            assert!(message(&document).contains(&words), "{document}");
            assert!(hint(&document).contains("--lock-timeout"), "{document}");
        }
        // Reading needs no turn.
        assert_eq!(states(&folder.migrate(url, &["status"], 5)), [(1, "pending")]);
        let source = folder.0.path().to_str().unwrap();
        let second = tools::run(&["--url", url, "migrate", "up", "--source", source]);
        assert_eq!(second.code, Some(0), "{second:?}");
        assert!(
            second
                .stderr
                .contains(&format!("waiting for another migration of this database: server process {pid}")),
            "{second:?}"
        );
        assert!(second.stdout.contains("nothing to apply"), "{second:?}");
        assert_eq!(states(&first.join().unwrap()), [(1, "applied")]);
    });
    migrate(url, &["up", "--lock-timeout", "never"], 2);
}

#[test]
fn a_lock_on_a_table_is_not_waited_for_longer_than_wanted() {
    let database = Database::new();
    let url = &database.url();
    let folder = Folder::new(&[
        ("1_a.up.sql", "CREATE TABLE a ()"),
        ("1_a.down.sql", "DROP TABLE a"),
        ("2_b.sql", "CREATE TABLE b ();\nALTER TABLE a ADD COLUMN n int"),
    ]);
    folder.migrate(url, &["up", "--to", "1"], 0);
    let mut reader = database.connect();
    let mut transaction = reader.transaction().unwrap();
    transaction.batch_execute("SELECT FROM a").unwrap();
    for (arguments, line) in [(["up", "--lock-timeout", "50ms"], 2), (["down", "--lock-timeout", "50ms"], 1)]
    {
        let document = folder.migrate(url, &arguments, 1);
        assert!(message(&document).contains(&format!("line {line} (")), "{document}");
        assert!(message(&document).contains("lock timeout [SQLSTATE 55P03]"), "{document}");
    }
    transaction.commit().unwrap();
    assert_eq!(tables(&mut reader), ["_sqlx_migrations", "a", "audits", "tenants"]);
}

#[test]
fn who_stops_waiting_is_gone_at_once() {
    let database = Database::new();
    let folder = Folder::new(&[("1_slow.sql", "SELECT pg_sleep(60)")]);
    let url = database.url();
    let start = || {
        let source = folder.0.path().to_str().unwrap();
        tools::command(&["--url", &url, "migrate", "up", "--source", source]).spawn().unwrap()
    };
    let mut observer = database.connect();
    let first = start();
    let runs = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)'";
    wait_for_count(&mut observer, runs, 1);
    let second = start();
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait_for_count(&mut observer, waits, 1);
    let began = Instant::now();
    for child in [second, first] {
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
        let run: Run = tools::finish(child);
        assert_eq!(run.code, Some(130), "{run:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(states(&folder.migrate(&url, &["status"], 5)), [(1, "pending")]);
}

#[test]
fn what_was_changed_after_the_fact_is_drift_and_line_ends_are_not() {
    let database = Database::new();
    let url = &database.url();
    let up = "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 'a\nb';\nEND\n$$;\n";
    let folder = Folder::new(&[("1_a.up.sql", up), ("1_a.down.sql", "DROP FUNCTION f")]);
    folder.migrate(url, &["up"], 0);
    let unix = dumped_schema(url);
    folder.write("1_a.up.sql", &up.replace('\n', "\r\n"));
    folder.migrate(url, &["status"], 0);
    // Applied from such a file it is the same function, and the book has the same checksum.
    let book = "SELECT encode(checksum, 'hex') FROM _sqlx_migrations";
    let checksum: String = database.connect().query_one(book, &[]).unwrap().get(0);
    folder.migrate(url, &["down"], 0);
    folder.migrate(url, &["up"], 0);
    assert_eq!(dumped_schema(url), unix);
    assert_eq!(database.connect().query_one(book, &[]).unwrap().get::<_, String>(0), checksum);

    folder.write("1_a.up.sql", &format!("{up}-- a harmless comment\n"));
    assert_eq!(states(&folder.migrate(url, &["status"], 3)), [(1, "modified")]);
    for way in ["up", "down"] {
        let document = folder.migrate(url, &[way], 1);
        assert!(message(&document).contains("migration 1 was modified after it was applied"), "{document}");
    }
    folder.write("1_a.up.sql", up);

    folder.write("3_c.up.sql", "CREATE TABLE c ()");
    folder.migrate(url, &["up"], 0);
    folder.write("2_b.up.sql", "CREATE TABLE b ()");
    let document = folder.migrate(url, &["status"], 3);
    assert_eq!(states(&document), [(1, "applied"), (2, "out_of_order"), (3, "applied")]);
    let document = folder.migrate(url, &["up"], 1);
    assert!(message(&document).contains("apply migration 2: it is older than migration 3"), "{document}");
    assert_eq!(states(&folder.migrate(url, &["up", "--allow-out-of-order"], 0)), [(2, "applied")]);
    folder.migrate(url, &["status"], 0);

    fs::remove_file(folder.0.path().join("3_c.up.sql")).unwrap();
    let document = folder.migrate(url, &["status"], 3);
    assert_eq!(states(&document).last(), Some(&(3, "missing")));
    assert_eq!(document["result"]["migrations"][2]["description"], "c");
    assert!(message(&folder.migrate(url, &["down"], 1)).contains("migration 3 is applied, but missing"));
}

/// A migration without a way back was once reported as reverted, and stayed.
#[test]
fn what_cannot_be_reverted_is_not_said_to_be() {
    let database = Database::empty();
    let url = &database.url();
    let folder = Folder::new(&[
        ("0001_one_way.sql", "CREATE TABLE one_way ()"),
        ("0002_both_ways.up.sql", "CREATE TABLE both_ways ()"),
        ("0002_both_ways.down.sql", "DROP TABLE both_ways"),
    ]);
    folder.migrate(url, &["up"], 0);
    let document = folder.migrate(url, &["down", "--to", "0"], 1);
    assert!(message(&document).contains("revert migration 1"), "{document}");
    // Not even the one that could have been.
    let mut client = database.connect();
    assert_eq!(tables(&mut client), ["_sqlx_migrations", "both_ways", "one_way"]);
    folder.migrate(url, &["status"], 0);
    assert_eq!(states(&folder.migrate(url, &["down"], 0)), [(2, "pending")]);
    assert_eq!(tables(&mut client), ["_sqlx_migrations", "one_way"]);
    folder.migrate(url, &["down"], 1);
}

#[test]
fn what_runs_without_a_transaction_is_marked_until_it_is_through() {
    let database = Database::new();
    let url = &database.url();
    let folder = Folder::new(&[
        ("1_a.up.sql", "CREATE TABLE a (n int)"),
        ("1_a.down.sql", "DROP TABLE a"),
        (
            "2_b.up.sql",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY b ON a (n);\nCREATE UNIQUE INDEX CONCURRENTLY c ON a (n)",
        ),
        ("2_b.down.sql", "-- no-transaction\nDROP INDEX CONCURRENTLY c;\nDROP INDEX CONCURRENTLY b"),
    ]);
    folder.migrate(url, &["up", "--to", "1"], 0);
    let mut client = database.connect();
    client.batch_execute("INSERT INTO a VALUES (1), (1)").unwrap();
    let document = folder.migrate(url, &["up"], 1);
    assert!(message(&document).starts_with("apply migration 2, line 3 ("), "{document}");
    assert!(hint(&document).contains("marked as begun"), "{document}");
    assert_eq!(states(&folder.migrate(url, &["status"], 3)), [(1, "applied"), (2, "incomplete")]);
    for way in ["up", "down"] {
        assert!(hint(&folder.migrate(url, &[way], 1)).contains("_sqlx_migrations"));
    }
    // As the hint says.
    client
        .batch_execute(
            "DROP INDEX b; DROP INDEX c; DELETE FROM _sqlx_migrations WHERE version = 2; DELETE FROM a",
        )
        .unwrap();
    folder.migrate(url, &["up"], 0);
    folder.migrate(url, &["status"], 0);
    assert!(message(&folder.migrate(url, &["down"], 1)).contains("cannot be foreseen"));
    folder.migrate(url, &["down", "--allow-data-loss"], 0);
    let left = "SELECT count(*) FROM pg_indexes WHERE tablename = 'a'";
    assert_eq!(client.query_one(left, &[]).unwrap().get::<_, i64>(0), 0);
}

/// Statements are told apart as psql does it: the same script leaves the same schema.
#[test]
fn a_script_does_what_it_does_in_psql() {
    let script = r#"
        -- a comment; with a semicolon
        CREATE TABLE t (a int DEFAULT 1, "b;""" text DEFAULT 'x'';', c text DEFAULT E'\';', d text DEFAULT $_$;$$;$_$);
        CREATE FUNCTION one() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 ELSE 3 END; END;
        CREATE OR REPLACE PROCEDURE two(a int) LANGUAGE sql BEGIN ATOMIC INSERT INTO t (a) VALUES (a); INSERT INTO t (a) VALUES (2); END;
        CREATE FUNCTION three() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN PERFORM 1; /* ; */ END; $body$;
        CREATE RULE four AS ON DELETE TO t DO INSTEAD (SELECT 1; SELECT 2);
        /* nested /* ; */ ; */ SET search_path = pg_catalog; CREATE TABLE public.u ();
        COMMENT ON TABLE public.u IS U&'d\0061t;a';
        SET ROLE pg_monitor; SELECT 1
    "#;
    let (by_psql, by_tools) = (Database::new(), Database::new());
    let folder = Folder::new(&[("1_odd.sql", script), ("2_next.sql", "CREATE TABLE next ()")]);
    folder.migrate(&by_tools.url(), &["up"], 0);
    let mut psql = server().command("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", &by_psql.url()]);
    psql.arg("--command")
        .arg(script)
        .arg("--command")
        .arg("RESET ROLE")
        .arg("--command")
        .arg("CREATE TABLE public.next ()");
    let output = run_to_end(&mut psql);
    assert!(output.is_empty(), "{output}");
    assert_eq!(dumped_schema(&by_tools.url()), dumped_schema(&by_psql.url()));
}

fn run_to_end(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_source_is_found_whatever_its_path() {
    let database = Database::empty();
    let parent = tempfile::tempdir().unwrap();
    let mut migrations = BTreeMap::new();
    for name in ["with spaces", "C:\\sql\\migrations", "it's \"quoted\" $(x) %41 ü", "-leading"] {
        let directory = parent.path().join(name).join("sql migrations");
        fs::create_dir_all(&directory).unwrap();
        let number = migrations.len() + 1;
        migrations.insert(number, directory.clone());
        for number in 1..=number {
            let text = format!("CREATE TABLE t{number} ()");
            fs::write(directory.join(format!("{number}_step number {number}.up.sql")), text).unwrap();
        }
        let source = format!("--source={}", directory.to_str().unwrap());
        let document = migrate(&database.url(), &["up", &source], 0);
        assert_eq!(states(&document), [(i64::try_from(number).unwrap(), "applied")], "{name}");
        migrate(&database.url(), &["status", &source], 0);
    }
    let absent = parent.path().join("not there");
    let document = migrate(&database.url(), &["status", "--source", absent.to_str().unwrap()], 1);
    assert!(message(&document).contains("not there"), "{document}");
}

#[test]
fn a_backend_that_is_killed_in_the_middle_leaves_nothing_half_done() {
    let database = Database::new();
    let url = &database.url();
    let folder =
        Folder::new(&[("1_slow.sql", "CREATE TABLE half (); LOCK TABLE audits; SELECT pg_sleep(60)")]);
    let before = dumped_schema(url);
    let (mut holder, mut observer) = (database.connect(), database.connect());
    let tenant = add_tenant(&mut observer, "one");
    let mut transaction = holder.transaction().unwrap();
    transaction.execute("SELECT FROM audits WHERE tenant_id = $1", &[&tenant]).unwrap();
    thread::scope(|scope| {
        let up = scope.spawn(|| folder.migrate(url, &["up"], 1));
        let waiting = "FROM pg_locks WHERE NOT granted AND relation = 'audits'::regclass";
        wait_for_count(&mut observer, &format!("SELECT count(*) {waiting}"), 1);
        let pid: i32 = observer.query_one(&format!("SELECT pid {waiting}"), &[]).unwrap().get(0);
        observer.execute("SELECT pg_terminate_backend($1)", &[&pid]).unwrap();
        assert!(message(&up.join().unwrap()).contains("apply migration 1"));
    });
    drop(transaction);
    assert_eq!(dumped_schema(url), before);
}
