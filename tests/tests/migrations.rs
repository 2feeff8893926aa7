//! Migrations lead both ways; what fails leaves no trace, and what was changed after the fact is told.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use af_tests::database::{Database, dumped_schema, server, wait_for_count};
use af_tests::migrations::{Folder, hint, message, migrate, states, tables};
use af_tests::tools;
use serde_json::{Value, json};

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
    let run = tools::run(&["--url", url, "migrate", "test", "--source", forgets.argument()]);
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
    let file = whole.path().join("schema.txt");
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

    fs::remove_file(folder.path().join("3_c.up.sql")).unwrap();
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
