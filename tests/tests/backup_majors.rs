//! A backup made of one major version is restored into a newer one, where the chains are found whole; an older pg_dump makes
//! none.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use af_tests::backups::Backups;
use af_tests::database::{connect, migrate, options, server};
use af_tests::ledger::{add_entries, add_tenant, whole_chains};
use af_tests::tools;
use af_tools::throwaway::{Options, Server};

/// Where servers of older major versions are, with the extension: their pg_config programs, separated like those on PATH.
/// `make test-all` sets it.
const OLDER: &str = "AF_OLDER_PG_CONFIGS";

fn output(pg_config: &Path, argument: &str) -> String {
    let output = Command::new(pg_config).arg(argument).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The `pg_config` programs of older majors; where there are none, it is said that a test did not run.
fn older(test: &str) -> Vec<PathBuf> {
    // The first major that is tested has none before it.
    let older = env::var_os(OLDER).filter(|paths| !paths.is_empty());
    let older: Vec<PathBuf> = older.map(|paths| env::split_paths(&paths).collect()).unwrap_or_default();
    if older.is_empty() {
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: {test}: {OLDER} names no older server; `make test-all` has them"
        );
    }
    older
}

#[test]
fn a_backup_is_restored_into_newer_majors() {
    for pg_config in older("a_backup_is_restored_into_newer_majors") {
        let version = output(&pg_config, "--version");
        let bin_dir = Some(PathBuf::from(output(&pg_config, "--bindir")));
        let old = Server::start(&Options { bin_dir, ..options() }).unwrap();
        old.create_database("ledger").unwrap();
        let url = old.url("ledger");
        migrate(&url);
        let mut client = connect(&url);
        let tenant = add_tenant(&mut client, "one");
        add_entries(&mut client, tenant, 200);
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().to_str().unwrap();
        let mut create = tools::command(&["--url", &url, "--json", "backup", "create", "--out", out]);
        let run = tools::finish(create.env("PG_CONFIG", &pg_config).spawn().unwrap());
        assert_eq!(run.code, Some(0), "{version}: {run:?}");
        let backup = run.json()["result"]["path"].as_str().unwrap().to_owned();

        let new = server().url("postgres");
        // The roles of the migrations are the server's.
        let more = ["--into", "from_older", "--create-roles", "--jobs", "2"];
        let run = tools::run(&[&["--url", &new, "--json", "backup", "restore", &backup], &more[..]].concat());
        assert_eq!(run.code, Some(0), "{version}: {run:?}");
        let mut restored = connect(&server().url("from_older"));
        assert_eq!(whole_chains(&mut restored), [(tenant, 200)].into(), "{version}");
        drop(restored);
        connect(&new).batch_execute("DROP DATABASE from_older WITH (FORCE)").unwrap();
    }
}

/// A real one, with nothing newer in sight: where the machine's own PostgreSQL would be found, an empty file system hides it
/// from this one process, which takes root.
#[test]
fn an_older_pg_dump_makes_no_backup() {
    const TEST: &str = "an_older_pg_dump_makes_no_backup";
    const HIDDEN: &str = "[ ! -d \"$0\" ] || mount -t tmpfs tmpfs \"$0\" || exit 99; PATH=; exec \"$@\"";
    let older = older(TEST);
    if older.is_empty() {
        return;
    }
    let (backups, _, _) = Backups::new();
    let (url, out) = (backups.database.url(), backups.path().to_str().unwrap());
    for pg_config in older {
        let create = tools::command(&["--url", &url, "backup", "create", "--out", out]);
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", HIDDEN, "/usr/lib/postgresql"]);
        command.arg(create.get_program()).args(create.get_args());
        for (name, value) in create.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("PG_CONFIG", &pg_config);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let run = tools::finish(command.spawn().unwrap());
        if run.code == Some(99) || run.stderr.starts_with("unshare: ") {
            let _ = writeln!(
                std::io::stderr(),
                "NOT RUN: {TEST}: what is installed cannot be hidden here; root can"
            );
            return;
        }
        assert_eq!(run.code, Some(1), "{run:?}");
        let bin = output(&pg_config, "--bindir");
        let expected = ["find pg_dump of PostgreSQL", &format!("{bin}/pg_dump is of ")];
        assert!(expected.iter().all(|text| run.stderr.contains(text)), "{run:?}");
        assert_eq!(backups.names().len(), 0);
    }
}
