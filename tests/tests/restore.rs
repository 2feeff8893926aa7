//! A dump restores to the same hashes; an edited one does not get in.

use std::io::Write;
use std::process::Stdio;
use std::thread;

use af_tests::database::{Database, server};
use af_tests::ledger::{add_entries, add_tenant, contents, entries, insert, whole_chains, with_one_tenant};

/// Runs one of PostgreSQL's programs on a database, with something on standard input, and gives what it printed.
fn program(name: &str, arguments: &[&str], database: &str, input: &[u8]) -> Vec<u8> {
    let mut command = server().command(name);
    command.args(arguments).env("PGDATABASE", database);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_dump_restores_to_the_same_hashes() {
    let (database, mut client, tenant) = with_one_tenant();
    let other = add_tenant(&mut client, "two");
    for _ in 0..5 {
        add_entries(&mut client, tenant, 60);
        add_entries(&mut client, other, 40);
    }
    let original = contents(&mut client);
    let psql = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"];

    // Into tables that have their triggers: each row is checked on its way in.
    let data = program("pg_dump", &["--data-only"], database.name(), b"");
    let copy = Database::new();
    program("psql", &psql, copy.name(), &data);
    let mut copied = copy.connect();
    assert_eq!(contents(&mut copied), original);
    insert(&mut copied, tenant);
    assert_eq!(whole_chains(&mut copied), [(tenant, 301), (other, 200)].into());

    // Into an empty database: triggers come last, and are as they were.
    let everything = program("pg_dump", &[], database.name(), b"");
    let copy = Database::empty();
    program("psql", &psql, copy.name(), &everything);
    let mut copied = copy.connect();
    assert_eq!(contents(&mut copied), original);
    insert(&mut copied, tenant);
    assert_eq!(whole_chains(&mut copied), [(tenant, 301), (other, 200)].into());
    let enabled = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'audits'::regclass AND NOT tgisinternal AND tgenabled = 'A'";
    assert_eq!(copied.query_one(enabled, &[]).unwrap().get::<_, i64>(0), 3);

    // An edited dump does not get in, and nothing of it stays.
    let text = String::from_utf8(data).unwrap();
    let edited = text.replacen("\tupdate\t", "\tdelete\t", 1);
    assert_ne!(text, edited);
    let copy = Database::new();
    let mut psql = server().command("psql");
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--set=VERBOSITY=verbose",
    ]);
    psql.env("PGDATABASE", copy.name()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = psql.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(edited.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("23514"), "{output:?}");
    assert_eq!(entries(&mut copy.connect()), 0);
}
