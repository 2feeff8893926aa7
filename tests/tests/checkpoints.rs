//! Checkpoints show what a chain by itself cannot: a tail that was cut off, a chain rewritten as a whole, an older state, another
//! database.

use std::fs;
use std::path::Path;

use af_core::merkle::{CompactRange, leaf_hash};
use af_tests::database::{Database, server};
use af_tests::ledger::{add_entries, add_tenant, disable_triggers, insert, rewrite, with_one_tenant};
use af_tests::notary::Notary;
use af_tests::tools;
use postgres::{Client, GenericClient};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

/// Verifies against all checkpoints; gives the exit code and what was found, with the positions.
fn findings(notary: &Notary, url: &str) -> (Option<i32>, Vec<(String, Option<i64>)>) {
    let run = notary.verify(url, &["--checkpoint", &notary.out()]);
    (run.code, found(&run.json()["result"]))
}

fn found(result: &Value) -> Vec<(String, Option<i64>)> {
    let findings = result["findings"].as_array().unwrap_or_else(|| panic!("no findings in {result}")).iter();
    findings.map(|found| (found["finding"].as_str().unwrap().to_owned(), found["seq"].as_i64())).collect()
}

fn finding(kind: &str, seq: i64) -> (String, Option<i64>) {
    (kind.to_owned(), Some(seq))
}

/// The root over a tenant's entries up to a position, from what the table holds.
fn root(client: &mut impl GenericClient, tenant: Uuid, size: i64) -> String {
    let sql = "SELECT hash FROM audits WHERE tenant_id = $1 AND seq <= $2 ORDER BY seq";
    let mut range = CompactRange::starting_at(0);
    for row in client.query(sql, &[&tenant, &size]).unwrap() {
        range.push(leaf_hash(row.get(0)));
    }
    range.root().to_string()
}

#[test]
fn a_key_is_made_once_and_is_its_owners_alone() {
    let notary = Notary::new();
    let secret = fs::read_to_string(notary.path("key")).unwrap();
    assert!(secret.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(fs::read_to_string(notary.path("key.pub")).unwrap().starts_with("-----BEGIN PUBLIC KEY-----"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(notary.path("key")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = tools::run(&["audit", "keygen", &notary.key()]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert_eq!(fs::read_to_string(notary.path("key")).unwrap(), secret);

    // Half a pair is not left behind.
    let half = notary.text("half");
    fs::write(&half, "taken").unwrap();
    assert_eq!(tools::run(&["audit", "keygen", &half]).code, Some(1));
    assert!(!Path::new(&format!("{half}.pub")).exists());
}

#[cfg(unix)]
#[test]
fn a_passphrase_protects_a_key() {
    use std::os::unix::fs::PermissionsExt;

    let (database, mut client, tenant) = with_one_tenant();
    insert(&mut client, tenant);
    let notary = Notary::new();
    let (key, passphrase) = (notary.text("protected"), notary.text("passphrase"));
    fs::write(&passphrase, "correct horse\n").unwrap();
    let with_passphrase = ["--passphrase-file", &passphrase];
    let open = tools::run(&[&["audit", "keygen", &key][..], &with_passphrase].concat());
    assert_eq!(open.code, Some(1), "others can read the passphrase: {open:?}");
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let made = tools::run(&[&["audit", "keygen", &key][..], &with_passphrase].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(fs::read_to_string(&key).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));

    let (url, out) = (database.url(), notary.out());
    let sign = ["--url", &url, "audit", "checkpoint", "--key", &key, "--out", &out];
    let without = tools::run(&sign);
    assert_eq!(without.code, Some(1));
    assert!(without.stderr.contains("protected by a passphrase"), "{without:?}");
    fs::write(&passphrase, "battery staple").unwrap();
    let wrong = tools::run(&[&sign[..], &with_passphrase].concat());
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("the passphrase does not open it"), "{wrong:?}");
    assert!(!notary.path("checkpoints").join(format!("{tenant}.checkpoint")).exists());
    fs::write(&passphrase, "correct horse").unwrap();
    assert_eq!(tools::run(&[&sign[..], &with_passphrase].concat()).code, Some(0));
}

#[test]
fn checkpoints_are_signed_over_what_has_come_since_the_last() {
    let (database, mut client, one) = with_one_tenant();
    let two = add_tenant(&mut client, "two");
    let url = database.url();
    let notary = Notary::new();
    add_entries(&mut client, one, 70);
    add_entries(&mut client, two, 1);
    let chain_of = |result: &Value, tenant: Uuid| {
        let chains = result["chains"].as_array().unwrap();
        chains.iter().find(|chain| chain["tenant_id"] == tenant.to_string()).unwrap().clone()
    };

    let first = notary.sign(&url);
    let chain = chain_of(&first, one);
    assert_eq!((&chain["made"], &chain["size"]), (&"signed".into(), &70.into()));
    assert_eq!(chain["root"], root(&mut client, one, 70));
    let note = fs::read_to_string(notary.path("checkpoints").join(format!("{one}.checkpoint"))).unwrap();
    assert_eq!(chain["note"], note);
    let lines: Vec<&str> = note.lines().collect();
    let name = database.name();
    assert!(
        lines[0].starts_with("pg_af/") && lines[0].ends_with(&format!("/{name}/public/{one}/1")),
        "{note}"
    );
    assert_eq!((lines[1], lines[3], lines.len()), ("70", "", 5), "{note}");
    assert!(lines[4].starts_with(&format!("— {} ", lines[0])), "{note}");
    assert_eq!((&first["ledger"]["size"], &first["ledger"]["is_new"]), (&2.into(), &true.into()));

    // Nothing new: nothing is signed, and of each chain only its last entry is read.
    let again = notary.sign(&url);
    assert_eq!(chain_of(&again, one)["made"], "unchanged");
    assert_eq!((&again["ledger"]["size"], &again["ledger"]["is_new"]), (&2.into(), &false.into()));
    assert_eq!(again["verification"]["entries"], 0);

    add_entries(&mut client, one, 30);
    let more = notary.sign(&url);
    assert_eq!(more["verification"]["entries"], 30);
    let chain = chain_of(&more, one);
    assert_eq!(
        (&chain["made"], &chain["size"], &chain["previous_size"]),
        (&"signed".into(), &100.into(), &70.into())
    );
    assert_eq!(chain["root"], root(&mut client, one, 100));
    assert_eq!(more["ledger"]["size"], 3);

    // Without what is kept beside it, or on demand, all is read; the result is the same.
    fs::remove_file(notary.path("checkpoints").join(format!("{one}.state"))).unwrap();
    add_entries(&mut client, one, 1);
    let restarted = notary.checkpoint(&url, &[]);
    assert!(restarted.stderr.contains("read a chain from its beginning"), "{restarted:?}");
    let restarted = restarted.json()["result"].take();
    assert_eq!(restarted["verification"]["entries"], 101);
    assert_eq!(chain_of(&restarted, one)["root"], root(&mut client, one, 101));
    add_entries(&mut client, two, 4);
    let full = notary.checkpoint(&url, &["--full", "--jobs", "2"]).json()["result"].take();
    assert_eq!(full["verification"]["entries"], 106);
    assert_eq!(chain_of(&full, two)["root"], root(&mut client, two, 5));

    let verified = notary.verify(&url, &["--checkpoint", &notary.out()]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let result = &verified.json()["result"];
    assert_eq!(result["is_tail_proven"], true);
    assert_eq!(chain_of(result, one)["proven_seq"], 101);
    // Each size at which this chain was signed is compared.
    let compared = chain_of(result, one)["checkpoints"].as_array().unwrap().len();
    assert_eq!(compared, 3, "{result}");
}

#[test]
fn what_a_chain_cannot_show_is_found() {
    let (database, mut client, one) = with_one_tenant();
    let two = add_tenant(&mut client, "two");
    add_entries(&mut client, one, 40);
    add_entries(&mut client, two, 25);
    let url = database.url();
    let notary = Notary::new();
    notary.sign(&url);
    add_entries(&mut client, one, 20);
    notary.sign(&url);
    add_entries(&mut client, one, 5);
    client.batch_execute("CREATE TABLE pristine AS TABLE audits").unwrap();
    let restore = "DELETE FROM audits; INSERT INTO audits SELECT * FROM pristine";
    disable_triggers(&mut client);
    assert_eq!(findings(&notary, &url), (Some(0), vec![]));

    for (sql, expected) in [
        // What came after the checkpoint and goes again, nothing can show.
        ("DELETE FROM audits WHERE tenant_id = :one AND seq > 60", vec![]),
        ("DELETE FROM audits WHERE tenant_id = :one AND seq > 59", vec![finding("truncated", 60)]),
        ("DELETE FROM audits WHERE tenant_id = :one AND seq > 30", vec![finding("truncated", 31)]),
        ("DELETE FROM audits WHERE tenant_id = :one", vec![finding("truncated", 1)]),
        // What the chain shows is told as ever, and not twice.
        ("DELETE FROM audits WHERE tenant_id = :one AND seq = 7", vec![finding("missing", 7)]),
        ("UPDATE audits SET action = 'x' WHERE tenant_id = :one AND seq = 7", vec![finding("altered", 7)]),
    ] {
        client.batch_execute(&sql.replace(":one", &format!("'{one}'"))).unwrap();
        let code = if expected.is_empty() { 0 } else { 3 };
        assert_eq!(findings(&notary, &url), (Some(code), expected), "{sql}");
        client.batch_execute(restore).unwrap();
    }

    // A chain that is whole in itself: without the checkpoint, nothing is found.
    for (from, seq, holds) in [(50, 60, Some(40)), (10, 40, None), (61, 0, None)] {
        rewrite(&mut client, one, from);
        assert_eq!(tools::verify(&url), (Some(0), vec![]));
        let run = notary.verify(&url, &["--checkpoint", &notary.out(), "--jobs", "2"]);
        let expected = if seq > 0 { vec![finding("rewritten", seq)] } else { vec![] };
        assert_eq!(found(&run.json()["result"]), expected, "from {from}");
        if let Some(holds) = holds {
            let detail = run.json()["result"]["findings"][0]["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(&format!("up to entry {holds} an older one holds")), "{detail}");
        }
        client.batch_execute(restore).unwrap();
    }
    assert_eq!(findings(&notary, &url), (Some(0), vec![]));
}

#[test]
fn nothing_is_signed_that_is_not_what_was_signed_before() {
    let (database, mut client, one) = with_one_tenant();
    let two = add_tenant(&mut client, "two");
    add_entries(&mut client, one, 40);
    add_entries(&mut client, two, 20);
    let url = database.url();
    let notary = Notary::new();
    notary.sign(&url);
    let file = notary.path("checkpoints").join(format!("{one}.checkpoint"));
    let before = fs::read_to_string(&file).unwrap();
    add_entries(&mut client, two, 1);
    rewrite(&mut client, one, 20);

    let refused = notary.checkpoint(&url, &["--full"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert_eq!(found(&refused.json()["result"]["verification"]), [finding("rewritten", 40)]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    // The other chain is signed none the less.
    let result = &refused.json()["result"];
    assert_eq!((&result["chains"].as_array().unwrap().len(), &result["ledger"]["size"]), (&2, &3.into()));

    client.batch_execute("DELETE FROM audits WHERE seq > 10").unwrap();
    let shorter = notary.checkpoint(&url, &[]);
    assert_eq!(shorter.code, Some(3), "{shorter:?}");
    let kinds = found(&shorter.json()["result"]["verification"]);
    assert!(kinds.iter().all(|(kind, _)| kind == "truncated") && kinds.len() == 2, "{kinds:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn an_older_state_of_the_database_is_called_by_its_name() {
    let (database, mut client, one) = with_one_tenant();
    add_entries(&mut client, one, 30);
    let url = database.url();
    let notary = Notary::new();
    // A copy, which takes the place of the original after more entries were signed.
    drop(client);
    let mut other = server_client();
    let (name, copy) = (database.name().to_owned(), format!("{}_copy", database.name()));
    other.batch_execute(&format!("CREATE DATABASE {copy} TEMPLATE {name}")).unwrap();
    let mut client = database.connect();
    add_entries(&mut client, one, 10);
    notary.sign(&url);
    drop(client);
    other.batch_execute(&format!("ALTER DATABASE {name} RENAME TO {name}_lost")).unwrap();
    other.batch_execute(&format!("ALTER DATABASE {copy} RENAME TO {name}")).unwrap();

    let run = notary.verify(&url, &["--checkpoint", &notary.out()]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert_eq!(found(&run.json()["result"]), [finding("rolled_back", 31)]);
    let detail = run.json()["result"]["findings"][0]["detail"].to_string();
    assert!(detail.contains("another database of the same name"), "{detail}");
    // Who goes on with it is found as well.
    let mut client = database.connect();
    add_entries(&mut client, one, 20);
    assert_eq!(findings(&notary, &url), (Some(3), vec![finding("rolled_back", 40)]));
    let refused = notary.checkpoint(&url, &[]);
    assert_eq!(refused.code, Some(3), "{refused:?}");

    // The one that was there before goes by another name now.
    drop(client);
    let lost = url.replace(&name, &format!("{name}_lost"));
    let run = notary.verify(&lost, &["--checkpoint", &notary.out()]);
    assert_eq!((run.code, found(&run.json()["result"])), (Some(3), vec![("foreign".to_owned(), None)]));
    let elsewhere = notary.checkpoint(&lost, &[]);
    assert_eq!(elsewhere.code, Some(1), "{elsewhere:?}");
    assert!(elsewhere.stdout.contains("the checkpoints there are of"), "{elsewhere:?}");
    other.batch_execute(&format!("DROP DATABASE {name}_lost")).unwrap();
}

fn server_client() -> Client {
    af_tests::database::connect(&server().url("postgres"))
}

#[test]
fn an_anchor_that_is_not_there_is_not_passed_over() {
    let (database, mut client, one) = with_one_tenant();
    let url = database.url();
    let notary = Notary::new();
    let empty = notary.checkpoint(&url, &[]);
    assert_eq!(empty.code, Some(4), "nothing to sign: {empty:?}");
    let none = notary.verify(&url, &["--checkpoint", &notary.out()]);
    assert_eq!(none.code, Some(4), "an empty directory: {none:?}");
    add_entries(&mut client, one, 10);
    notary.sign(&url);
    let checkpoint = notary.path("checkpoints").join(format!("{one}.checkpoint"));
    let text = fs::read_to_string(&checkpoint).unwrap();

    let missing = notary.verify(&url, &["--checkpoint", &notary.text("no.checkpoint")]);
    assert_eq!(missing.code, Some(4), "{missing:?}");
    let without_key = tools::run(&["--url", &url, "audit", "verify", "--checkpoint", &notary.out()]);
    assert_eq!(without_key.code, Some(2), "{without_key:?}");
    let stranger = Notary::new();
    let other_key = ["--public-key", &stranger.text("key.pub"), "--checkpoint", &notary.out()];
    let other_key = tools::run(&[&["--url", &url, "audit", "verify"][..], &other_key].concat());
    assert_eq!(other_key.code, Some(1), "{other_key:?}");
    assert!(other_key.stderr.contains("not signed by the given key"), "{other_key:?}");

    let edited = notary.text("edited.checkpoint");
    fs::write(&edited, text.replacen("\n10\n", "\n11\n", 1)).unwrap();
    let forged = notary.verify(&url, &["--checkpoint", &edited]);
    assert_eq!(forged.code, Some(3), "{forged:?}");
    fs::write(&edited, "hello").unwrap();
    assert_eq!(notary.verify(&url, &["--checkpoint", &edited]).code, Some(1));

    // A chain that none of them is of.
    let two = add_tenant(&mut client, "two");
    insert(&mut client, two);
    let new = notary.verify(&url, &["--checkpoint", &notary.out()]);
    assert_eq!(new.code, Some(4), "{new:?}");
    assert!(new.json()["error"]["message"].as_str().unwrap().contains("1 chain"), "{new:?}");
    let allowed = notary.verify(&url, &["--checkpoint", &notary.out(), "--allow-new"]);
    assert_eq!((allowed.code, &allowed.json()["result"]["is_tail_proven"]), (Some(0), &false.into()));
    let only = notary.verify(&url, &["--checkpoint", &notary.out(), "--tenant", &one.to_string()]);
    assert_eq!(only.code, Some(0), "{only:?}");
}

#[test]
fn one_file_vouches_for_all_chains() {
    let (database, mut client, one) = with_one_tenant();
    let two = add_tenant(&mut client, "two");
    add_entries(&mut client, one, 10);
    add_entries(&mut client, two, 10);
    let url = database.url();
    let notary = Notary::new();
    notary.sign(&url);
    let kept = notary.path("elsewhere.checkpoint");
    fs::copy(notary.path("checkpoints/ledger.checkpoint"), &kept).unwrap();
    let kept = kept.to_str().unwrap();
    let alone = notary.verify(&url, &["--checkpoint", kept]);
    assert_eq!(alone.code, Some(4), "its leaves are not at hand: {alone:?}");

    add_entries(&mut client, one, 10);
    notary.sign(&url);
    let old_and_new = ["--checkpoint", kept, "--checkpoint", &notary.out()];
    assert_eq!(notary.verify(&url, &old_and_new).code, Some(0));

    // With the leaves beside it, the checkpoints of the chains are not needed.
    fs::copy(notary.path("checkpoints/ledger.leaves"), notary.path("elsewhere.leaves")).unwrap();
    disable_triggers(&mut client);
    client.execute("DELETE FROM audits WHERE tenant_id = $1 AND seq > 8", &[&two]).unwrap();
    let run = notary.verify(&url, &["--checkpoint", kept]);
    assert_eq!((run.code, found(&run.json()["result"])), (Some(3), vec![finding("truncated", 9)]));

    // Leaves that are not those that were signed.
    let leaves = fs::read_to_string(notary.path("elsewhere.leaves")).unwrap();
    fs::write(notary.path("elsewhere.leaves"), leaves.replacen(" 10 ", " 8 ", 2)).unwrap();
    let run = notary.verify(&url, &["--checkpoint", kept]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("the leaves are not those"), "{run:?}");
    fs::write(notary.path("elsewhere.leaves"), leaves.lines().next().unwrap().to_owned() + "\n").unwrap();
    assert_eq!(notary.verify(&url, &["--checkpoint", kept]).code, Some(3));
    // Nor is anything signed on top of such leaves.
    let path = notary.path("checkpoints/ledger.leaves");
    let leaves = fs::read_to_string(&path).unwrap();
    fs::write(&path, leaves.replacen(" 10 ", " 9 ", 1)).unwrap();
    let refused = notary.checkpoint(&url, &[]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
}

#[test]
fn verification_goes_on_from_a_checkpoint() {
    let (database, mut client, one) = with_one_tenant();
    let two = add_tenant(&mut client, "two");
    add_entries(&mut client, one, 50);
    add_entries(&mut client, two, 9);
    let url = database.url();
    let notary = Notary::new();
    notary.sign(&url);
    let since = ["--since", &notary.out()];
    add_entries(&mut client, one, 7);
    let run = notary.verify(&url, &since);
    assert_eq!((run.code, &run.json()["result"]["entries"]), (Some(0), &7.into()), "{run:?}");

    // A newer one is compared with as well, of entries that were not read again.
    let newer = TempDir::new().unwrap();
    let newer = newer.path().to_str().unwrap();
    let key = notary.key();
    let signed = tools::run(&["--url", &url, "audit", "checkpoint", "--key", &key, "--out", newer]);
    assert_eq!(signed.code, Some(0), "{signed:?}");
    add_entries(&mut client, one, 3);
    let run = notary.verify(&url, &[&since[..], &["--checkpoint", newer]].concat());
    assert_eq!((run.code, &run.json()["result"]["entries"]), (Some(0), &10.into()), "{run:?}");
    let chains = run.json()["result"]["chains"].take();
    let chain =
        chains.as_array().unwrap().iter().find(|chain| chain["tenant_id"] == one.to_string()).unwrap();
    assert_eq!(chain["proven_seq"], 57);

    let file = format!("{}/{one}.checkpoint", notary.out());
    let run = notary.verify(&url, &["--since", &file, "--tenant", &one.to_string()]);
    assert_eq!((run.code, &run.json()["result"]["entries"]), (Some(0), &10.into()), "{run:?}");
    let no_key = tools::run(&["--url", &url, "audit", "verify", "--since", &file]);
    assert_eq!(no_key.code, Some(2), "{no_key:?}");
    let ledger = format!("{}/ledger.checkpoint", notary.out());
    assert_eq!(notary.verify(&url, &["--since", &ledger]).code, Some(1));
    fs::remove_file(format!("{}/{one}.state", notary.out())).unwrap();
    let no_state = notary.verify(&url, &["--since", &file]);
    assert_eq!(no_state.code, Some(4), "{no_state:?}");
    assert_eq!(notary.verify(&url, &["--checkpoint", &file, "--full", "--allow-new"]).code, Some(0));

    disable_triggers(&mut client);
    client.execute("DELETE FROM audits WHERE tenant_id = $1 AND seq > 5", &[&two]).unwrap();
    let other = format!("{}/{two}.checkpoint", notary.out());
    let run = notary.verify(&url, &["--since", &other]);
    assert_eq!((run.code, found(&run.json()["result"])), (Some(3), vec![finding("truncated", 9)]));

    // One that was edited is told rather than one that cannot be used.
    let text = fs::read_to_string(&other).unwrap();
    fs::write(&other, text.replacen("\n9\n", "\n5\n", 1)).unwrap();
    for sources in
        [&since[..], &["--since", &file, "--since", &other], &["--since", &other, "--since", &file]]
    {
        let run = notary.verify(&url, sources);
        assert_eq!(run.code, Some(3), "{sources:?}: {run:?}");
    }
}

#[test]
fn a_chain_can_have_a_file_of_its_own() {
    let (database, mut client, one) = with_one_tenant();
    add_entries(&mut client, one, 5);
    let (url, notary) = (database.url(), Notary::new());
    let (key, file, tenant) = (notary.key(), notary.text("one.checkpoint"), one.to_string());
    let sign =
        ["--url", &url, "--json", "audit", "checkpoint", "--key", &key, "--out", &file, "--tenant", &tenant];
    assert_eq!(tools::run(&sign).code, Some(0));
    add_entries(&mut client, one, 5);
    let run = tools::run(&sign);
    assert_eq!((run.code, &run.json()["result"]["verification"]["entries"]), (Some(0), &5.into()), "{run:?}");
    assert_eq!(run.json()["result"]["ledger"], Value::Null);
    assert_eq!(notary.verify(&url, &["--checkpoint", &file]).code, Some(0));

    // Of another chain, it is not written over.
    let two = add_tenant(&mut client, "two");
    insert(&mut client, two);
    let before = fs::read(&file).unwrap();
    let other = two.to_string();
    let mistaken = [&sign[..10], &[other.as_str()]].concat();
    let run = tools::run(&mistaken);
    assert_eq!((run.code, fs::read(&file).unwrap()), (Some(1), before), "{run:?}");
}

#[test]
fn checkpoints_are_made_by_one_process_at_a_time() {
    let (database, mut client, one) = with_one_tenant();
    insert(&mut client, one);
    let (url, notary) = (database.url(), Notary::new());
    notary.sign(&url);
    let lock = fs::File::open(notary.path("checkpoints/.lock")).unwrap();
    lock.lock().unwrap();
    let run = notary.checkpoint(&url, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("another process makes checkpoints there"), "{run:?}");
    lock.unlock().unwrap();
    notary.sign(&url);

    // What a crash leaves behind is no obstacle: leaves that no checkpoint is of, a state that belongs to none.
    let leaves = notary.path("checkpoints/ledger.leaves");
    let text = fs::read_to_string(&leaves).unwrap();
    fs::write(&leaves, format!("{text}{}", &text[..20])).unwrap();
    insert(&mut client, one);
    let result = notary.sign(&url);
    assert_eq!(result["ledger"]["size"], 2);
    assert_eq!(fs::read_to_string(&leaves).unwrap().lines().count(), 2);
    // A checkpoint that did not get into the log any more is in the next.
    fs::write(&leaves, &text).unwrap();
    let ledger = notary.path("checkpoints/ledger.checkpoint");
    fs::remove_file(&ledger).unwrap();
    assert_eq!(notary.sign(&url)["ledger"]["size"], 1);
}

#[test]
fn an_auditor_may_make_checkpoints() {
    let database = Database::migrated();
    let mut client = database.connect();
    let one = add_tenant(&mut client, "one");
    add_entries(&mut client, one, 3);
    client.batch_execute("CREATE ROLE checkpoint_auditor LOGIN PASSWORD 'x' IN ROLE af_auditor").unwrap();
    let url = database.url_as("checkpoint_auditor");
    let notary = Notary::new();
    notary.sign(&url);
    assert_eq!(findings(&notary, &url), (Some(0), vec![]));
    client.batch_execute("DROP ROLE checkpoint_auditor").unwrap();
}

#[test]
fn witnesses_can_be_demanded() {
    let (database, mut client, one_tenant) = with_one_tenant();
    add_entries(&mut client, one_tenant, 5);
    let (url, notary) = (database.url(), Notary::new());
    notary.sign(&url);
    let mut witnesses = Vec::new();
    for name in ["one.example", "two.example"] {
        let (key, vkey) = (notary.text(name), notary.text(&format!("{name}.vkey")));
        assert_eq!(tools::run(&["audit", "keygen", &key]).code, Some(0));
        let printed = tools::run(&["audit", "vkey", &format!("{key}.pub"), "--name", name]);
        assert_eq!(printed.code, Some(0), "{printed:?}");
        fs::write(&vkey, printed.stdout).unwrap();
        witnesses.push((key, name, vkey));
    }
    let demand = |required: &str| {
        let (out, one, two) = (notary.out(), &witnesses[0].2, &witnesses[1].2);
        notary.verify(
            &url,
            &["--checkpoint", &out, "--witness", one, "--witness", two, "--witnesses-required", required],
        )
    };
    assert_eq!(demand("1").code, Some(4), "nobody has cosigned");
    // It is enough to cosign the checkpoint of all chains.
    let ledger = format!("{}/ledger.checkpoint", notary.out());
    let (key, name, _) = &witnesses[0];
    let (public_key, state) = (notary.text("key.pub"), notary.text("state"));
    let cosign = ["audit", "cosign", &ledger, "--public-key", &public_key, "--state", &state];
    let run = tools::run(&[&cosign[..], &["--key", key, "--name", name, "--out", &ledger]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    let one_of_two = demand("1");
    assert_eq!(one_of_two.code, Some(0), "{one_of_two:?}");
    let witnessed = &one_of_two.json()["result"]["witnessed"][0];
    assert_eq!((&witnessed["path"], &witnessed["required"]), (&ledger.as_str().into(), &1.into()));
    assert_eq!(witnessed["cosignatures"][0]["name"], *name, "{witnessed}");
    let both = demand("2");
    assert_eq!(both.code, Some(4), "{both:?}");
    assert!(both.stdout.contains("and 2 are required"), "{both:?}");
    let text = fs::read_to_string(&ledger).unwrap();
    let line = text.lines().last().unwrap();
    let end = line.len() - 10;
    let forged =
        format!("{}{}{}", &line[..end], if &line[end..=end] == "A" { "B" } else { "A" }, &line[end + 1..]);
    fs::write(&ledger, text.replace(line, &forged)).unwrap();
    let alone = ["--checkpoint", &ledger, "--witness", &witnesses[0].2];
    let forged = notary.verify(&url, &alone);
    assert_eq!(forged.code, Some(3), "in the name of a witness: {forged:?}");
    let metrics = notary.text("af.prom");
    assert_eq!(notary.verify(&url, &[&alone[..], &["--metrics-file", &metrics]].concat()).code, Some(3));
    assert!(fs::read_to_string(&metrics).unwrap().contains("\naf_audit_verify_status 0\n"));

    // Among others that nobody has cosigned, in whatever order, it is what is told.
    let chain = format!("{}/{one_tenant}.checkpoint", notary.out());
    let witness = ["--witness", &witnesses[0].2];
    assert_eq!(notary.verify(&url, &[&["--checkpoint", &chain], &witness[..]].concat()).code, Some(4));
    for paths in [&[chain.as_str(), &ledger][..], &[&ledger, &chain], &[&notary.out()]] {
        let paths: Vec<&str> = paths.iter().flat_map(|path| ["--checkpoint", path]).collect();
        let run = notary.verify(&url, &[&paths, &witness[..]].concat());
        assert_eq!(run.code, Some(3), "{paths:?}: {run:?}");
        assert!(run.stdout.contains("in the name of one.example"), "{run:?}");
    }
}

/// Who names witnesses or keys believes that something is held against them.
#[test]
fn witnesses_and_keys_without_a_checkpoint_are_refused() {
    let (database, mut client, tenant) = with_one_tenant();
    add_entries(&mut client, tenant, 5);
    let (url, notary) = (database.url(), Notary::new());
    let vkey = tools::run(&["audit", "vkey", &notary.text("key.pub"), "--name", "oneself"]).stdout;
    let (witness, anchor) = (notary.text("oneself.vkey"), format!("{tenant}:5:{}", "ab".repeat(32)));
    fs::write(&witness, vkey).unwrap();
    let verify =
        |arguments: &[&str]| tools::run(&[&["--url", &url, "--json", "audit", "verify"], arguments].concat());
    for arguments in [
        &["--witness", &witness][..],
        &["--witness", &witness, "--in-database"],
        &["--witness", &witness, "--since", &anchor],
        &["--public-key", &notary.text("key.pub")],
    ] {
        let run = verify(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stdout.contains("no checkpoint to hold against it"), "{run:?}");
    }

    // Nor is the log its own witness.
    notary.sign(&url);
    let (ledger, key, state) =
        (format!("{}/ledger.checkpoint", notary.out()), notary.key(), notary.text("state"));
    let run = notary.verify(&url, &["--checkpoint", &ledger, "--witness", &witness]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stdout.contains("the key of witness oneself is one that signs the log"), "{run:?}");
    let public_key = notary.text("key.pub");
    let cosign = ["audit", "cosign", &ledger, "--public-key", &public_key, "--state", &state];
    let run = tools::run(&[&cosign[..], &["--key", &key, "--name", "oneself"]].concat());
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("nobody witnesses for themselves"), "{run:?}");
}
