//! A backup made of one major version is restored into a newer one, where the chains are found whole.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

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

#[test]
fn a_backup_is_restored_into_newer_majors() {
    let older: Vec<PathBuf> =
        env::var_os(OLDER).map(|paths| env::split_paths(&paths).collect()).unwrap_or_default();
    if older.is_empty() {
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: a_backup_is_restored_into_newer_majors: {OLDER} names no older server; `make test-all` has them"
        );
        return;
    }
    for pg_config in older {
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
