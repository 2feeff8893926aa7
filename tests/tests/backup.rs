//! A backup holds what the database held under one snapshot, and every damage to it is found.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use af_tests::backups::{Backups, copy, files, flip_bit, forge, verify};
use af_tests::database::{Database, connect, options};
use af_tests::ledger::{add_entries, add_tenant};
use af_tests::tools;
use af_tools::throwaway::{Options, Server};
use serde_json::{Value, json};

fn manifest(backup: &Path) -> Value {
    let value: Value = serde_json::from_slice(&fs::read(backup.join("manifest.json")).unwrap()).unwrap();
    value["content"].clone()
}

fn rows(manifest: &Value, table: &str) -> Value {
    let tables = manifest["facts"]["tables"].as_array().unwrap();
    tables.iter().find(|one| one["name"] == table).unwrap()["rows"].clone()
}

#[test]
fn a_backup_holds_what_the_database_held() {
    let (backups, mut client, tenants) = Backups::new();
    let backup = backups.create(&["--jobs", "2"]);
    let manifest = manifest(&backup);
    assert_eq!(rows(&manifest, "public.audits"), 601);
    assert_eq!(rows(&manifest, "public.messages"), 1);
    let history = client.query_one("SELECT count(*), max(version) FROM _sqlx_migrations", &[]).unwrap();
    assert_eq!(rows(&manifest, "public._sqlx_migrations"), history.get::<_, i64>(0));
    let heads = manifest["facts"]["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 2);
    for tenant in tenants {
        let head = heads.iter().find(|head| head["tenant_id"] == tenant.to_string()).unwrap();
        let stored = client
            .query_one("SELECT seq, encode(hash, 'hex') FROM af_audit_head($1)", &[&tenant])
            .map(|row| json!([row.get::<_, i64>(0), row.get::<_, String>(1)]))
            .unwrap();
        assert_eq!(json!([head["seq"], head["hash"]]), stored);
    }
    assert_eq!(manifest["versions"]["extension"], "0.1.0");
    assert_eq!(manifest["versions"]["schema"], history.get::<_, i64>(1));
    assert_eq!(manifest["database"]["name"], backups.database.name());
    // Whoever can read it can read everybody's data.
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o077, 0);
    assert_eq!(verify(&backup), (Some(0), vec![]));
    assert_eq!(backups.names(), [backup.file_name().unwrap().to_str().unwrap()]);
}

#[test]
fn each_kind_holds_what_it_promises() {
    let (backups, _, _) = Backups::new();
    for compression in ["gzip:1", "zstd:3", "none"] {
        let critical = backups.create(&["--kind", "critical", "--compress", compression]);
        let told = manifest(&critical);
        assert_eq!(rows(&told, "public.audits"), 601);
        assert_eq!((rows(&told, "public.users"), rows(&told, "public.messages")), (json!(1), Value::Null));
        assert_eq!(
            (rows(&told, "public.audit_checkpoints"), rows(&told, "public.audit_verifications")),
            (json!(0), json!(0))
        );
        assert_eq!(told["compression"]["asked"], compression);
        assert_eq!(verify(&critical), (Some(0), vec![]));
    }
    let schema = backups.create(&["--kind", "schema"]);
    let told = manifest(&schema);
    assert_eq!((&told["facts"]["heads"], rows(&told, "public.audits")), (&json!([]), Value::Null));
    assert_eq!(verify(&schema), (Some(0), vec![]));
}

/// Entries go on being written while the backup is made. What is counted, the heads and the dump are of one moment.
#[test]
fn rows_heads_and_dump_are_of_one_snapshot() {
    let (backups, _, tenants) = Backups::new();
    let url = backups.database.url();
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = thread::spawn({
        let is_over = is_over.clone();
        move || {
            let mut client = connect(&url);
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                add_entries(&mut client, tenants[0], 3);
            }
        }
    });
    for _ in 0..3 {
        let backup = backups.create(&[]);
        // The rows that were counted by one session are those that another one dumped.
        assert_eq!(verify(&backup), (Some(0), vec![]));
        let manifest = manifest(&backup);
        let heads = manifest["facts"]["heads"].as_array().unwrap();
        let entries: i64 = heads.iter().map(|head| head["seq"].as_i64().unwrap()).sum();
        assert_eq!(rows(&manifest, "public.audits"), entries);
    }
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
}

#[test]
fn a_flipped_bit_is_found_in_every_file() {
    let (backups, _, _) = Backups::new();
    let backup = backups.create(&[]);
    let (_directory, copied) = copy(&backup);
    assert_eq!(verify(&copied), (Some(0), vec![]));
    let all = files(&copied);
    for name in ["dump/toc.dat", "manifest.json", "schema.sql.gz", "verified.json"] {
        assert!(all.contains(&PathBuf::from(name)), "{name} of {all:?}");
    }
    assert!(all.iter().any(|file| file.extension().is_some_and(|extension| extension == "gz")));
    for file in all {
        let path = copied.join(&file);
        let whole = fs::read(&path).unwrap();
        flip_bit(&path);
        let run = tools::run(&["--json", "backup", "verify", copied.to_str().unwrap()]);
        assert_eq!(run.code, Some(3), "{}: {run:?}", file.display());
        assert!(run.json()["error"]["message"].as_str().unwrap().contains(file.to_str().unwrap()), "{run:?}");
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(verify(&copied), (Some(0), vec![]));
}

#[test]
fn what_is_missing_extra_cut_or_empty_is_found() {
    let (backups, _, _) = Backups::new();
    let backup = backups.create(&[]);
    let data = files(&backup).into_iter().find(|file| file.to_str().unwrap().ends_with(".dat.gz")).unwrap();
    type Damage = fn(&Path, &Path);
    let damages: [(&str, Damage); 6] = [
        ("missing", |_, data| fs::remove_file(data).unwrap()),
        ("missing", |backup, _| fs::remove_dir_all(backup.join("dump")).unwrap()),
        ("extra", |backup, _| fs::write(backup.join("dump/more"), "x").unwrap()),
        ("empty", |_, data| fs::write(data, "").unwrap()),
        ("size", |_, data| {
            let length = fs::metadata(data).unwrap().len();
            File::options().write(true).open(data).unwrap().set_len(length / 2).unwrap();
        }),
        ("altered", |_, data| flip_bit(data)),
    ];
    for (expected, damage) in damages {
        let (_directory, copied) = copy(&backup);
        damage(&copied, &copied.join(&data));
        let (code, findings) = verify(&copied);
        assert_eq!(code, Some(3), "{expected}");
        assert!(findings.iter().all(|finding| finding == expected) && !findings.is_empty(), "{findings:?}");
        assert!(!copied.join("verified.json").exists(), "{expected}: it is noted as verified");
    }
    let (_directory, copied) = copy(&backup);
    std::os::unix::fs::symlink("/etc/passwd", copied.join("dump/link")).unwrap();
    assert_eq!(verify(&copied).0, Some(3));
    let (_directory, copied) = copy(&backup);
    fs::remove_file(copied.join("manifest.json")).unwrap();
    let run = tools::run(&["backup", "verify", copied.to_str().unwrap()]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("no manifest.json"), "{run:?}");
    let renamed = copied.with_file_name("another");
    let (_directory, copied) = copy(&backup);
    fs::rename(&copied, &renamed).unwrap();
    assert_eq!(verify(&renamed), (Some(3), vec!["renamed".to_owned()]));
}

/// Somebody who makes hashes and digests fit is caught by what the dump itself says.
#[test]
fn an_archive_that_is_cut_off_does_not_decode_however_its_manifest_is_edited() {
    let (backups, _, _) = Backups::new();
    for compression in ["gzip:6", "none"] {
        let backup = backups.create(&["--compress", compression]);
        let dump = backup.join("dump");
        let largest = fs::read_dir(&dump).unwrap().map(|entry| entry.unwrap().path());
        let largest = largest
            .filter(|path| path.file_name().unwrap() != "toc.dat")
            .max_by_key(|path| fs::metadata(path).unwrap().len())
            .unwrap();
        let length = fs::metadata(&largest).unwrap().len();
        File::options().write(true).open(&largest).unwrap().set_len(length / 2).unwrap();
        forge(&backup, "manifest.json", |_| ());
        // Without compression pg_restore takes the end of the file for the end of the rows.
        assert_eq!(verify(&backup), (Some(3), vec!["undecodable".to_owned()]), "{compression}");
    }
}

#[test]
fn an_edited_manifest_is_found() {
    let (backups, mut client, tenants) = Backups::new();
    let backup = backups.create(&[]);
    let path = backup.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    for (from, to) in
        [("\"seq\": 301", "\"seq\": 300"), ("\"forced\"", "\"off\""), ("\"sha256\": \"", "\"sha256\": \"0")]
    {
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let run = tools::run(&["backup", "verify", backup.to_str().unwrap()]);
        assert_eq!((run.code, run.stderr.contains("manifest.json")), (Some(3), true), "{run:?}");
    }
    fs::write(&path, &text).unwrap();

    // With a digest that fits: rows that are not in the dump, a file elsewhere.
    let (_directory, copied) = copy(&backup);
    forge(&copied, "manifest.json", |manifest| {
        manifest["facts"]["tables"][0]["rows"] = 99.into();
    });
    assert_eq!(verify(&copied), (Some(3), vec!["rows".to_owned()]));
    let (_directory, copied) = copy(&backup);
    forge(&copied, "manifest.json", |manifest| {
        manifest["files"][0]["path"] = "../../../etc/passwd".into();
    });
    let (code, findings) = verify(&copied);
    assert_eq!((code, findings.contains(&"path".to_owned())), (Some(3), true), "{findings:?}");

    // The dump of another state of the database, under the manifest of this one.
    add_entries(&mut client, tenants[0], 1);
    let later = backups.create(&[]);
    let (_directory, copied) = copy(&backup);
    fs::remove_dir_all(copied.join("dump")).unwrap();
    fs::create_dir(copied.join("dump")).unwrap();
    for file in files(&later).into_iter().filter(|file| file.starts_with("dump")) {
        fs::copy(later.join(&file), copied.join(&file)).unwrap();
    }
    assert_eq!(verify(&copied).0, Some(3));
    forge(&copied, "manifest.json", |_| ());
    assert_eq!(verify(&copied), (Some(3), vec!["rows".to_owned()]));
}

#[test]
fn an_edited_note_of_verification_is_found() {
    let (backups, _, _) = Backups::new();
    let backup = backups.create(&[]);
    let listed = |field: &str| {
        let run = backups.run(&["list", "--dir", backups.path().to_str().unwrap()]);
        run.json()["result"]["backups"][0][field].clone()
    };
    assert_eq!((listed("verified"), listed("problems")), (Value::Null, json!([])));
    assert_eq!(verify(&backup), (Some(0), vec![]));
    assert_eq!(listed("verified").get("restored_at"), None);
    let path = backup.join("verified.json");
    let text = fs::read_to_string(&path).unwrap();
    let noted = json!(text.parse::<Value>().unwrap()["content"]["verified_at"]).to_string();
    let edited = text.replace(&noted, &format!("{noted}, \"restored_at\": {noted}"));
    assert_ne!(edited, text);
    fs::write(&path, &edited).unwrap();
    assert_eq!(verify(&backup), (Some(3), vec!["sidecar".to_owned()]));
    assert_eq!(listed("verified"), Value::Null);
    assert_ne!(listed("problems"), json!([]));
    assert_eq!(fs::read_to_string(&path).unwrap(), edited, "what was edited is evidence");
    // One of another backup does not count either.
    fs::write(&path, &text).unwrap();
    let other = backups.create(&["--kind", "critical"]);
    fs::copy(&path, other.join("verified.json")).unwrap();
    assert_eq!(verify(&other), (Some(3), vec!["sidecar".to_owned()]));
}

#[test]
fn prune_keeps_what_was_last_verified() {
    let (backups, _, _) = Backups::new();
    let directory = backups.path().to_str().unwrap().to_owned();
    let made: Vec<PathBuf> = (0..4).map(|_| backups.create(&["--kind", "schema"])).collect();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    // Within one second their order is that of their numbers, so time is told apart here.
    for (index, path) in made.iter().enumerate() {
        forge(path, "manifest.json", |manifest| {
            manifest["snapshot"]["taken_at"] = format!("2026-11-2{index}T06:00:00Z").into();
        });
    }
    assert_eq!(verify(&made[0]).0, Some(0));
    let refused = backups.run(&["prune", "--dir", &directory]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert_eq!(backups.run(&["prune", "--dir", &directory, "--keep-last", "0"]).code, Some(2));
    let dry = backups.run(&["prune", "--dir", &directory, "--keep-last", "1", "--dry-run"]);
    assert_eq!((dry.code, backups.names().len()), (Some(0), 4));
    assert_eq!(dry.json()["result"]["removed"], json!([name(&made[2]), name(&made[1])]));
    let pruned = backups.run(&["prune", "--dir", &directory, "--keep-last", "1"]);
    assert_eq!(pruned.json()["result"]["removed"], dry.json()["result"]["removed"]);
    assert_eq!(backups.names(), [name(&made[0]), name(&made[3])]);
}

#[test]
fn check_says_whether_the_newest_is_new_enough() {
    let (backups, _, _) = Backups::new();
    let directory = backups.path().to_str().unwrap().to_owned();
    let check = |more: &[&str]| {
        backups.run(&[&["check", "--dir", &directory, "--max-age", "1h"], more].concat()).code
    };
    assert_eq!(check(&[]), Some(4), "there is none");
    assert_eq!(backups.run(&["verify", "--latest", "--dir", &directory]).code, Some(4));
    assert_eq!(backups.run(&["verify", "--dir", &directory]).code, Some(2));
    let backup = backups.create(&[]);
    assert_eq!(check(&[]), Some(0));
    assert_eq!(check(&["--kind", "critical"]), Some(4));
    assert_eq!(check(&["--verified-within", "1d"]), Some(3), "it was never verified");
    let latest = backups.run(&["verify", "--latest", "--dir", &directory]);
    assert_eq!(
        (latest.code, &latest.json()["result"]["name"]),
        (Some(0), &json!(backup.file_name().unwrap().to_str()))
    );
    assert_eq!(check(&["--verified-within", "1d"]), Some(0));
    assert_eq!(check(&["--restored-within", "1d"]), Some(3), "it was never restored");
    assert_eq!(backups.run(&["verify", backup.to_str().unwrap(), "--deep"]).code, Some(0));
    assert_eq!(check(&["--restored-within", "1d"]), Some(0));
    // That is not forgotten when it is looked at again without a restore.
    assert_eq!(verify(&backup).0, Some(0));
    assert_eq!(check(&["--restored-within", "1d"]), Some(0));
    forge(&backup, "verified.json", |mark| mark["restored_at"] = "2026-01-01T00:00:00Z".into());
    assert_eq!(
        (check(&["--restored-within", "1d"]), check(&["--verified-within", "1d"])),
        (Some(3), Some(0))
    );
    fs::remove_file(backup.join("schema.sql.gz")).unwrap();
    assert_eq!(check(&[]), Some(3), "a file is missing");
    let old = backups.create(&[]);
    forge(&old, "manifest.json", |manifest| {
        manifest["snapshot"]["taken_at"] = "2026-01-01T00:00:00Z".into();
    });
    fs::remove_dir_all(&backup).unwrap();
    assert_eq!(check(&[]), Some(3), "it is too old");
}

#[test]
fn a_role_that_does_not_see_every_row_makes_no_backup() {
    let (backups, mut client, _) = Backups::new();
    client
        .batch_execute(
            "CREATE ROLE half_blind LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO half_blind",
        )
        .unwrap();
    let out = backups.path().to_str().unwrap();
    let url = backups.database.url_as("half_blind");
    let run = tools::run(&["--url", &url, "backup", "create", "--out", out]);
    assert_eq!((run.code, backups.names().len()), (Some(1), 0), "{run:?}");
    assert!(run.stderr.contains("row-level security may hide rows of public.agents"), "{run:?}");
    // Shown every row by the policies, the role's dump is whole.
    client.batch_execute("GRANT af_auditor TO half_blind").unwrap();
    let run = tools::run(&["--url", &url, "--json", "backup", "create", "--out", out]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let path = PathBuf::from(run.json()["result"]["path"].as_str().unwrap());
    assert_eq!(rows(&manifest(&path), "public.audits"), 601);
    assert_eq!(verify(&path).0, Some(0));
    client.batch_execute("DROP OWNED BY half_blind; DROP ROLE half_blind").unwrap();
}

#[test]
fn a_table_that_belongs_to_an_extension_is_not_left_out_in_silence() {
    let (backups, mut client, _) = Backups::new();
    client.batch_execute("CREATE TABLE others (id int); ALTER EXTENSION pg_af ADD TABLE others").unwrap();
    let backup = backups.create(&["--kind", "schema"]);
    assert_eq!(manifest(&backup)["omitted"], json!(["public.others"]));
    client.batch_execute("ALTER EXTENSION pg_af ADD TABLE budgets").unwrap();
    let run = backups.run(&["create", "--out", backups.path().to_str().unwrap()]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("public.budgets belong to an extension"), "{run:?}");
    assert_eq!(backups.names().len(), 1);
}

/// A server that asks for a password: `af-tools` has it from the environment, and nobody can read it from the arguments of
/// any process.
#[test]
fn no_password_is_in_the_arguments_of_any_process() {
    const PASSWORD: &str = "not-for-everybody";
    let server = Server::start(&Options { settings: options().settings, ..Options::default() }).unwrap();
    server.create_database("ledger").unwrap();
    af_tests::database::migrate(&server.url("ledger"));
    let mut client = connect(&server.url("ledger"));
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 20_000);
    client.batch_execute(&format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'")).unwrap();
    let hba = server.data_dir().join("pg_hba.conf");
    fs::write(&hba, "local all all scram-sha-256\n").unwrap();
    client.batch_execute("SELECT pg_reload_conf()").unwrap();

    let directory = tempfile::tempdir().unwrap();
    let url = server.url("ledger");
    let arguments =
        ["--url", &url, "--json", "backup", "create", "--out", directory.path().to_str().unwrap()];
    let wrong = tools::command(&arguments).env("PGPASSWORD", "wrong").spawn().unwrap();
    let run = tools::finish(wrong);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("28P01") && !run.stdout.contains("wrong\""), "{run:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

    let child = tools::command(&arguments).env("PGPASSWORD", PASSWORD).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut seen = false;
    let mut child = child;
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(arguments) = fs::read(process.path().join("cmdline")) else { continue };
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            assert!(!arguments.contains(PASSWORD), "{arguments}");
            seen |= arguments.contains("pg_dump") && arguments.contains(directory.path().to_str().unwrap());
        }
    }
    let run = tools::finish(child);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(seen, "pg_dump was not seen at work");
    assert!(!run.stdout.contains(PASSWORD));
}

#[test]
fn the_wrong_database_is_no_ledger() {
    let database = Database::empty();
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("new");
    let run = tools::run(&["--url", &database.url(), "backup", "create", "--out", out.to_str().unwrap()]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("find table audits"), "{run:?}");
}

/// Programs that stand before those of the server's version, as shell scripts; `$real` is where the real ones are. Returns the
/// pg_config that leads to them.
fn stand_ins(bin: &Path, scripts: &[(&str, &str)]) -> PathBuf {
    let pg_dump = af_tests::database::server().command("pg_dump");
    let real = Path::new(pg_dump.get_program()).parent().unwrap().to_str().unwrap().to_owned();
    let pg_config = format!("echo '{}'", bin.display());
    for (name, text) in scripts.iter().chain(&[("pg_config", pg_config.as_str())]) {
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\nreal='{real}'\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin.join("pg_config")
}

/// What is compressed as only pg_restore knows is decoded by it, and damage is found all the same. No pg_restore that is to be
/// had everywhere knows zstd: here it is one that calls gzip by that name.
#[test]
fn what_only_pg_restore_can_decode_is_decoded_by_it() {
    let (backups, _, _) = Backups::new();
    let backup = backups.create(&[]);
    for file in files(&backup).iter().filter(|file| file.to_str().unwrap().ends_with(".dat.gz")) {
        fs::rename(backup.join(file), backup.join(file).with_extension("zst")).unwrap();
    }
    forge(&backup, "manifest.json", |_| ());
    let bin = tempfile::tempdir().unwrap();
    let script = "copy=$(mktemp -d)\n\
        for argument; do shift; if [ -d \"$argument\" ]; then cp \"$argument\"/* \"$copy\"; argument=$copy; fi; set -- \"$@\" \"$argument\"; done\n\
        for file in \"$copy\"/*.zst; do [ ! -e \"$file\" ] || mv \"$file\" \"${file%zst}gz\"; done\n\
        \"$real/pg_restore\" \"$@\"; status=$?; rm -r \"$copy\"; exit $status";
    let pg_config = stand_ins(bin.path(), &[("pg_restore", script)]);
    let verify = || {
        let mut command = tools::command(&["--json", "backup", "verify", backup.to_str().unwrap()]);
        let run = tools::finish(command.env("PG_CONFIG", &pg_config).spawn().unwrap());
        (
            run.code,
            run.json()["result"]["rows"].clone(),
            run.json()["result"]["findings"][0]["finding"].clone(),
        )
    };
    let rows: u64 = manifest(&backup)["facts"]["tables"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|table| table["rows"].as_u64())
        .sum();
    assert_eq!(verify(), (Some(0), json!(rows), Value::Null));
    let data = files(&backup)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "zst"));
    let largest = data.max_by_key(|file| fs::metadata(backup.join(file)).unwrap().len()).unwrap();
    let length = fs::metadata(backup.join(&largest)).unwrap().len();
    File::options().write(true).open(backup.join(&largest)).unwrap().set_len(length / 2).unwrap();
    fs::remove_file(backup.join("verified.json")).unwrap();
    forge(&backup, "manifest.json", |_| ());
    assert_eq!(verify(), (Some(3), Value::Null, json!("undecodable")));
}

/// A pg_dump of the server's version that was built without zstd, as the one that is installed need not be.
#[test]
fn gzip_is_used_where_pg_dump_does_not_have_zstd() {
    let (backups, _, _) = Backups::new();
    let bin = tempfile::tempdir().unwrap();
    let refusal = "pg_dump: error: this build does not support compression with ZSTD";
    let pg_dump =
        format!("case \"$*\" in *zstd*) echo '{refusal}' >&2; exit 1;; esac\nexec \"$real/pg_dump\" \"$@\"");
    let pg_restore = "exec \"$real/pg_restore\" \"$@\"";
    let pg_config = stand_ins(bin.path(), &[("pg_dump", &pg_dump), ("pg_restore", pg_restore)]);
    let url = backups.database.url();
    let arguments = [
        "--url",
        &url,
        "--json",
        "backup",
        "create",
        "--compress",
        "zstd:5",
        "--out",
        backups.path().to_str().unwrap(),
    ];
    let run = tools::finish(tools::command(&arguments).env("PG_CONFIG", pg_config).spawn().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("compressed with gzip:6 instead of zstd:5"), "{run:?}");
    assert_eq!(run.json()["result"]["manifest"]["compression"], json!({"asked": "zstd:5", "used": "gzip:6"}));
    assert_eq!(verify(Path::new(run.json()["result"]["path"].as_str().unwrap())).0, Some(0));
}
