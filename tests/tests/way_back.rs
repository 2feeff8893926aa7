//! `migrate down` destroys nothing in silence: tables, columns and rows that hold something are told and kept, unless that
//! is allowed.

use std::fs;
use std::path::Path;
use std::thread;

use af_tests::database::{Database, connect, dumped_schema, wait_for_count};
use af_tests::ledger::add_entries;
use af_tests::migrations::{Folder, hint, message, migrate, tables};
use af_tests::platform::add_tenant_with_rows;
use af_tests::tools;
use serde_json::json;

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
