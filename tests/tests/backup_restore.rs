//! What is restored is what was backed up, and anything else is told; a restore that fails leaves nothing behind.

use std::fs;
use std::path::Path;

use af_tests::backups::{Backups, copy, files, forge, verify};
use af_tests::database::{connect, server};
use af_tests::ledger::{add_entries, disable_triggers, enable_triggers, whole_chains};
use af_tests::tools::{self, Run};
use postgres::Client;
use serde_json::{Value, json};

fn databases(client: &mut Client) -> Vec<String> {
    let names = client.query("SELECT datname::text FROM pg_database ORDER BY 1", &[]).unwrap();
    names.iter().map(|row| row.get(0)).collect()
}

fn drop_database(name: &str) {
    connect(&server().url("postgres")).batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
}

fn restore(backups: &Backups, backup: &Path, into: &str, more: &[&str]) -> Run {
    backups.run(&[&["restore", backup.to_str().unwrap(), "--into", into], more].concat())
}

/// The verdict on each check.
fn verdicts(run: &Run) -> Value {
    let checks = run.json()["result"]["checks"].clone();
    let named = checks.as_array().unwrap_or_else(|| panic!("{run:?}"));
    named.iter().map(|check| (check["name"].as_str().unwrap().to_owned(), check["verdict"].clone())).collect()
}

#[test]
fn what_is_restored_is_what_was_backed_up() {
    let (backups, mut client, tenants) = Backups::new();
    client
        .batch_execute(
            "CREATE TABLE numbered (id serial PRIMARY KEY, n int); INSERT INTO numbered (n) VALUES (1), (2); \
             CREATE MATERIALIZED VIEW summed AS SELECT sum(n) FROM numbered; \
             CREATE TABLE \"odd (name\" (\"a, b\" text); INSERT INTO \"odd (name\" VALUES (E'\\\\.'), (E'a\\nb'), (NULL); \
             CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES; \
             CREATE TABLE parts (a int) PARTITION BY RANGE (a); \
             CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9); INSERT INTO parts VALUES (1); \
             SELECT lo_from_bytea(0, decode(repeat('00ff', 100000), 'hex'))",
        )
        .unwrap();
    let backup = backups.create(&["--jobs", "2"]);
    assert_eq!(verify(&backup), (Some(0), vec![]));
    // What comes later is not in it.
    add_entries(&mut client, tenants[0], 5);
    let receipt = backups.path().join("receipt.json");
    let more = ["--jobs", "2", "--receipt", receipt.to_str().unwrap()];
    let run = restore(&backups, &backup, "restored_whole", &more);
    assert_eq!(run.code, Some(0), "{run:?}");
    let expected = json!({
        "schema": "ok", "rows": "ok", "constraints": "ok", "sequences": "ok", "owners and grants": "ok",
        "row-level security": "ok", "triggers": "ok", "chains": "ok", "messages": "ok",
    });
    assert_eq!(verdicts(&run), expected);
    let result = &run.json()["result"];
    assert!(result["rto_seconds"].as_f64().unwrap() > 0.0 && result["rpo_seconds"].is_u64(), "{result}");
    let written: Value = serde_json::from_slice(&fs::read(&receipt).unwrap()).unwrap();
    assert_eq!(
        (&written["sha256"], &written["content"]["checks"]),
        (&result["receipt_sha256"], &result["checks"])
    );

    let mut restored = connect(&server().url("restored_whole"));
    assert_eq!(whole_chains(&mut restored), [(tenants[0], 301), (tenants[1], 300)].into());
    // It goes on as a ledger: the guard stands, and the chain takes the next entry.
    assert!(restored.batch_execute("DELETE FROM audits").is_err());
    add_entries(&mut restored, tenants[0], 1);
    let next: i32 =
        restored.query_one("INSERT INTO numbered (n) VALUES (3) RETURNING id", &[]).unwrap().get(0);
    assert_eq!(next, 3);
    drop(restored);
    drop_database("restored_whole");
}

#[test]
fn each_kind_is_restored_as_what_it_is() {
    let (backups, _, tenants) = Backups::new();
    let critical = backups.create(&["--kind", "critical"]);
    let run = restore(&backups, &critical, "restored_critical", &[]);
    assert_eq!((run.code, &verdicts(&run)["messages"]), (Some(0), &json!("not_applicable")), "{run:?}");
    let mut restored = connect(&server().url("restored_critical"));
    assert_eq!(whole_chains(&mut restored), [(tenants[0], 301), (tenants[1], 300)].into());
    drop(restored);
    drop_database("restored_critical");
    let schema = backups.create(&["--kind", "schema"]);
    let run = restore(&backups, &schema, "restored_schema", &[]);
    assert_eq!((run.code, &verdicts(&run)["chains"]), (Some(0), &json!("not_applicable")), "{run:?}");
    drop_database("restored_schema");
}

#[test]
fn a_table_dropped_by_accident_is_recovered() {
    let (backups, mut client, tenants) = Backups::new();
    let name = backups.database.name();
    let before = whole_chains(&mut client);
    let backup = backups.create(&[]);
    client.batch_execute("DROP TABLE audits").unwrap();
    // Whoever is still connected stands in the way: nothing is swapped, and the new database stays.
    let run = restore(&backups, &backup, "recovered", &["--swap"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("the restored and proven one is recovered"), "{run:?}");
    drop(client);
    drop_database("recovered");
    let run = restore(&backups, &backup, "recovered", &["--swap"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let result = run.json()["result"].clone();
    assert_eq!(result["into"], name);
    let kept_as = result["kept_as"].as_str().unwrap().to_owned();
    let mut client = backups.database.connect();
    assert_eq!(whole_chains(&mut client), before);
    assert_eq!(before[&tenants[0]], 301);
    // The damaged one is still there, as it was.
    let mut kept = connect(&server().url(&kept_as));
    assert!(kept.query_one("SELECT to_regclass('audits') IS NULL", &[]).unwrap().get::<_, bool>(0));
    let all = databases(&mut client);
    assert!(all.contains(&kept_as) && !all.contains(&"recovered".to_owned()), "{all:?}");
    drop(kept);
    drop_database(&kept_as);
}

#[test]
fn a_database_that_is_there_is_never_replaced() {
    let (backups, mut client, _) = Backups::new();
    let backup = backups.create(&[]);
    let name = backups.database.name().to_owned();
    for more in [&[][..], &["--swap"]] {
        let run = restore(&backups, &backup, &name, more);
        assert_eq!(run.code, Some(1), "{run:?}");
    }
    assert_eq!(whole_chains(&mut client).len(), 2);
}

#[test]
fn a_restore_that_fails_leaves_nothing() {
    let (backups, mut client, _) = Backups::new();
    let backup = backups.create(&[]);
    // Known to be damaged: the server is not even asked.
    let (_directory, copied) = copy(&backup);
    fs::write(copied.join("dump/more"), "x").unwrap();
    let run = restore(&backups, &copied, "never", &[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("extra: dump/more"), "{run:?}");
    // Damaged behind a manifest that fits: pg_restore stops at its first error.
    let (_directory, copied) = copy(&backup);
    let data = files(&copied).into_iter().filter(|file| file.to_str().unwrap().ends_with(".dat.gz"));
    let largest = data.max_by_key(|file| fs::metadata(copied.join(file)).unwrap().len()).unwrap();
    let length = fs::metadata(copied.join(&largest)).unwrap().len();
    fs::File::options().write(true).open(copied.join(&largest)).unwrap().set_len(length / 2).unwrap();
    forge(&copied, "manifest.json", |_| ());
    let run = restore(&backups, &copied, "never", &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("pg_restore"), "{run:?}");
    // A role that the server does not have.
    let (_directory, copied) = copy(&backup);
    forge(&copied, "manifest.json", |manifest| {
        manifest["roles"].as_array_mut().unwrap().push("nobody_knows".into());
    });
    let run = restore(&backups, &copied, "never", &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("these roles, which the backup refers to: nobody_knows"), "{run:?}");
    let (_directory, copied) = copy(&backup);
    forge(&copied, "manifest.json", |manifest| {
        manifest["versions"]["server_major"] = 99.into();
    });
    let run = restore(&backups, &copied, "never", &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(!databases(&mut client).contains(&"never".to_owned()));
}

/// A backup whose rows are all there and whose manifest fits, but for one entry that somebody wrote anew: no count and no
/// hash of a file tells, but the chain does.
#[test]
fn another_history_of_the_same_length_is_found() {
    let (backups, mut client, tenants) = Backups::new();
    let honest = backups.create(&[]);
    disable_triggers(&mut client);
    client
        .execute("UPDATE audits SET actor_id = 'nobody' WHERE tenant_id = $1 AND seq = 7", &[&tenants[1]])
        .unwrap();
    enable_triggers(&mut client);
    let edited = backups.create(&[]);
    // Under the manifest of the honest one.
    let (_directory, copied) = copy(&honest);
    fs::remove_dir_all(copied.join("dump")).unwrap();
    fs::create_dir(copied.join("dump")).unwrap();
    for file in files(&edited).into_iter().filter(|file| file.starts_with("dump")) {
        fs::copy(edited.join(&file), copied.join(&file)).unwrap();
    }
    forge(&copied, "manifest.json", |_| ());
    assert_eq!(verify(&copied), (Some(0), vec![]), "without a server this cannot be told");
    for (more, by) in
        [(&[][..], "in_database"), (&["--outside"], "outside"), (&["--outside", "--jobs", "2"], "outside")]
    {
        let deep = backups.run(&[&["verify", copied.to_str().unwrap(), "--deep"], more].concat());
        assert_eq!(deep.code, Some(3), "{deep:?}");
        let restored = deep.json()["result"]["restored"].clone();
        assert_eq!(restored["chains_verified"], by);
        let checks = restored["checks"].as_array().unwrap();
        let chains = checks.iter().find(|check| check["name"] == "chains").unwrap();
        assert_eq!(chains["verdict"], "differs");
        assert!(chains["details"][0].as_str().unwrap().starts_with("altered at seq 7"), "{chains}");
    }
}

/// Whoever owned the database that a backup was made of may have put a function that finds nothing where the extension's own is
/// looked for. It comes with the dump, and then the server is not asked.
#[test]
fn a_function_that_came_with_the_backup_does_not_verify_it() {
    let (backups, mut client, _) = Backups::new();
    let deep = |backups: &Backups| {
        let backup = backups.create(&[]);
        let run = backups.run(&["verify", backup.to_str().unwrap(), "--deep"]);
        (run.code, run.json()["result"]["restored"]["chains_verified"].clone())
    };
    assert_eq!(deep(&backups), (Some(0), json!("in_database")));
    client
        .batch_execute(
            "CREATE SCHEMA elsewhere; \
             CREATE FUNCTION elsewhere.af_audit_verify(uuid, regclass) RETURNS text LANGUAGE sql AS $$ SELECT 'ok' $$",
        )
        .unwrap();
    assert_eq!(deep(&backups), (Some(0), json!("outside")));
}

#[test]
fn a_deep_verification_is_noted_and_leaves_no_database() {
    let (backups, mut client, _) = Backups::new();
    let backup = backups.create(&[]);
    let shallow = backups.run(&["verify", backup.to_str().unwrap(), "--maintenance-db", "postgres"]);
    assert_eq!(shallow.code, Some(2), "{shallow:?}");
    // A receipt that cannot be written undoes nothing, and is told.
    let nowhere = backups.path().join("none/receipt.json");
    let deep =
        backups.run(&["verify", backup.to_str().unwrap(), "--deep", "--receipt", nowhere.to_str().unwrap()]);
    assert_eq!(
        (deep.code, &deep.json()["result"]["restored"]["verdict"]),
        (Some(1), &json!("ok")),
        "{deep:?}"
    );
    let deep = backups.run(&["verify", backup.to_str().unwrap(), "--deep"]);
    assert_eq!(deep.code, Some(0), "{deep:?}");
    let mark = deep.json()["result"]["mark"].clone();
    assert_eq!((mark["restored_at"].is_string(), &mark["restored_at"]), (true, &mark["verified_at"]));
    let scratch = deep.json()["result"]["restored"]["into"].as_str().unwrap().to_owned();
    assert!(!databases(&mut client).contains(&scratch));
}

/// What `pg_restore --disable-triggers` does to the guards for good, the drill tells. It is done here to the database that
/// the backup is made of, so that its restore is true to it and the manifest is what differs.
#[test]
fn weakened_guards_are_told() {
    let (backups, mut client, _) = Backups::new();
    let honest = backups.create(&[]);
    for (weakening, check) in [
        ("ALTER TABLE audits ENABLE TRIGGER af_audit_guard", "triggers"),
        ("ALTER TABLE messages NO FORCE ROW LEVEL SECURITY", "row-level security"),
        ("GRANT DELETE ON audits TO af_app", "owners and grants"),
        ("ALTER TABLE audits OWNER TO af_admin", "owners and grants"),
        (
            "ALTER TABLE audits DROP CONSTRAINT audits_hash_check; \
          ALTER TABLE audits ADD CONSTRAINT audits_hash_check CHECK (octet_length(hash) = 32) NOT VALID",
            "constraints",
        ),
    ] {
        client.batch_execute(&format!("BEGIN; {weakening}; COMMIT")).unwrap();
        let weak = backups.create(&[]);
        let (_directory, copied) = copy(&weak);
        let noted: Value = serde_json::from_slice(&fs::read(honest.join("manifest.json")).unwrap()).unwrap();
        forge(&copied, "manifest.json", |manifest| manifest["facts"] = noted["content"]["facts"].clone());
        let run = restore(&backups, &copied, "weak", &[]);
        assert_eq!((run.code, &verdicts(&run)[check]), (Some(3), &json!("differs")), "{weakening}: {run:?}");
        drop_database("weak");
    }
}

#[test]
fn signatures_are_checked_where_they_are_asked_for() {
    let (backups, _, _) = Backups::new();
    let keys = tempfile::tempdir().unwrap();
    let file = |name: &str| keys.path().join(name).to_str().unwrap().to_owned();
    for name in ["ours", "theirs"] {
        let key = af_tools::sign::SigningKey::generate().unwrap();
        key.save(Path::new(&file(name)), None).unwrap();
        key.verifying_key().save(Path::new(&file(&format!("{name}.pub")))).unwrap();
    }
    let plain = backups.create(&["--kind", "schema"]);
    let signed = backups.create(&["--kind", "schema", "--sign-key", &file("ours")]);
    let check = |backup: &Path, key: &str| {
        let run =
            tools::run(&["--json", "backup", "verify", backup.to_str().unwrap(), "--verify-key", &file(key)]);
        (run.code, run.json()["result"]["signed"].clone())
    };
    assert_eq!(check(&signed, "ours.pub"), (Some(0), json!("yes")));
    assert_eq!(check(&signed, "theirs.pub"), (Some(3), json!("wrong")));
    assert_eq!(check(&plain, "ours.pub"), (Some(4), json!("no")));
    assert_eq!(restore(&backups, &plain, "unsigned", &["--verify-key", &file("ours.pub")]).code, Some(4));
    assert_eq!(restore(&backups, &signed, "unsigned", &["--verify-key", &file("theirs.pub")]).code, Some(3));
    // A digest that fits is not enough for one who has the key.
    let (_directory, copied) = copy(&signed);
    fs::remove_file(copied.join("verified.json")).unwrap();
    forge(&copied, "manifest.json", |manifest| manifest["ended_at"] = "2026-01-01T00:00:00Z".into());
    assert_eq!(verify(&copied), (Some(0), vec![]));
    fs::remove_file(copied.join("verified.json")).unwrap();
    assert_eq!(check(&copied, "ours.pub"), (Some(3), json!("wrong")));
    // The receipt is signed too.
    let receipt = file("receipt.json");
    let more = ["--verify-key", &file("ours.pub"), "--receipt", &receipt, "--sign-key", &file("ours")];
    let run = restore(&backups, &signed, "signed_restore", &more);
    assert_eq!(run.code, Some(0), "{run:?}");
    let written: Value = serde_json::from_slice(&fs::read(&receipt).unwrap()).unwrap();
    let message =
        format!("{}\n{}\n", written["format"].as_str().unwrap(), written["sha256"].as_str().unwrap());
    let signature = serde_json::from_value(written["signature"].clone()).unwrap();
    let key = af_tools::sign::VerifyingKey::load(Path::new(&file("ours.pub"))).unwrap();
    assert!(key.verify(message.as_bytes(), &signature).is_ok());
    drop_database("signed_restore");
}

#[test]
fn one_tenants_rows_are_restored_to_look_at() {
    let (backups, _, tenants) = Backups::new();
    let backup = backups.create(&[]);
    let tenant = tenants[0].to_string();
    let run = restore(&backups, &backup, "one_tenant", &["--tenant", &tenant]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(verdicts(&run), json!({"chains": "ok", "messages": "ok"}));
    let mut restored = connect(&server().url("one_tenant"));
    assert_eq!(whole_chains(&mut restored), [(tenants[0], 301)].into());
    let count = |client: &mut Client, sql: &str| client.query_one(sql, &[]).unwrap().get::<_, i64>(0);
    assert_eq!(count(&mut restored, "SELECT count(*) FROM tenants"), 1);
    assert_eq!(count(&mut restored, "SELECT count(*) FROM users"), 1);
    let migrations = "SELECT count(*) FROM _sqlx_migrations";
    let applied = count(&mut backups.database.connect(), migrations);
    assert_eq!(count(&mut restored, migrations), applied);
    // With all that is the tenant's, its foreign keys hold too, and are there.
    assert!(
        count(&mut restored, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated") > 10
    );
    drop(restored);
    drop_database("one_tenant");
    let nobody = restore(&backups, &backup, "nobody", &["--tenant", "00000000-0000-0000-0000-000000000000"]);
    assert_eq!(nobody.code, Some(4), "{nobody:?}");
    drop_database("nobody");
}

#[test]
fn one_table_is_restored_to_look_at() {
    let (backups, mut client, tenants) = Backups::new();
    let backup = backups.create(&["--compress", "none"]);
    let run = restore(&backups, &backup, "one_table", &["--table", "audits"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(verdicts(&run), json!({"rows": "ok", "chains": "ok", "messages": "not_applicable"}));
    let mut restored = connect(&server().url("one_table"));
    assert_eq!(restored.query_one("SELECT count(*) FROM tenants", &[]).unwrap().get::<_, i64>(0), 0);
    let sums = |client: &mut Client| -> Vec<String> {
        let rows =
            client.query("SELECT encode(hash, 'hex') FROM audits ORDER BY tenant_id, seq", &[]).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(sums(&mut restored), sums(&mut client));
    // Its guards stand, too.
    assert!(restored.batch_execute("DELETE FROM audits").is_err());
    drop(restored);
    drop_database("one_table");
    let tenant = tenants[1].to_string();
    let run = restore(&backups, &backup, "one_table", &["--table", "public.audits", "--tenant", &tenant]);
    assert_eq!((run.code, &run.json()["result"]["part"]["rows"]), (Some(0), &json!({"public.audits": 300})));
    drop_database("one_table");
    let unknown = restore(&backups, &backup, "one_table", &["--table", "nothing"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(!databases(&mut client).contains(&"one_table".to_owned()));
}

#[test]
fn checkpoints_come_with_the_ledger_that_they_are_of() {
    let (backups, mut client, tenants) = Backups::new();
    let record = "INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note) \
                  SELECT tenant_id, 1, seq, hash, hash, 'example.org/log', 'a note' FROM audits WHERE seq = 300";
    assert_eq!(client.execute(record, &[]).unwrap(), 2);
    let tenant = tenants[0].to_string();
    for (kind, arguments, rows) in [
        ("full", &[][..], 2_i64),
        ("critical", &[], 2),
        ("full", &["--tenant", &tenant], 1),
        ("full", &["--table", "audit_checkpoints", "--tenant", &tenant], 1),
    ] {
        let backup = backups.create(&["--kind", kind]);
        let run = restore(&backups, &backup, "with_checkpoints", arguments);
        assert_eq!(run.code, Some(0), "{kind} {arguments:?}: {run:?}");
        let mut restored = connect(&server().url("with_checkpoints"));
        let sql = "SELECT count(*) FROM audit_checkpoints";
        assert_eq!(restored.query_one(sql, &[]).unwrap().get::<_, i64>(0), rows, "{kind} {arguments:?}");
        assert!(restored.batch_execute("DELETE FROM audit_checkpoints").is_err(), "{kind} {arguments:?}");
        drop(restored);
        drop_database("with_checkpoints");
    }
}
