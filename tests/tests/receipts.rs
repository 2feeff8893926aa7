//! Receipts: an entry proven without the database, to others as well, and nothing proven that is not so.

#[path = "../vectors/receipts.rs"]
mod vectors;

use std::fs;
use std::path::Path;
use std::process::Command;

use af_tests::database::Database;
use af_tests::ledger::{
    add_entries, add_tenant, disable_triggers, enable_triggers, insert, rewrite, with_one_tenant,
};
use af_tests::notary::Notary;
use af_tests::tools::{self, Run};
use af_tools::checkpoint::Policy;
use af_tools::sign::VerifyingKey;
use serde_json::Value;
use uuid::Uuid;
use vectors::{Case, Cases};

/// A tenant's checkpoint in the notary's directory, under a name of its own, since the next one takes its place.
fn keep(notary: &Notary, tenant: Uuid, name: &str) -> String {
    let kept = notary.text(name);
    fs::copy(notary.path("checkpoints").join(format!("{tenant}.checkpoint")), &kept).unwrap();
    kept
}

fn prove(url: &str, tenant: Uuid, seq: i64, arguments: &[&str]) -> Run {
    let (tenant, seq) = (tenant.to_string(), seq.to_string());
    let command = ["--url", url, "audit", "prove", "--tenant", &tenant, "--seq", &seq];
    tools::run(&[&command, arguments].concat())
}

/// A proof that must be made; it comes as the result.
fn proof(run: Run) -> String {
    assert_eq!(run.code, Some(0), "{run:?}");
    run.stdout
}

fn consistency(url: &str, from: &str, to: &str) -> Run {
    tools::run(&["--url", url, "audit", "prove-consistency", "--from", from, "--to", to])
}

/// Checks a proof without any way to the database.
fn check(notary: &Notary, proof: &str, arguments: &[&str]) -> Run {
    let (file, key) = (notary.text("proof"), notary.text("key.pub"));
    fs::write(&file, proof).unwrap();
    let command = ["--url", "postgresql://nowhere.invalid/x", "--json", "audit", "check-proof", &file];
    tools::run(&[&command, &["--public-key", &key][..], arguments].concat())
}

fn findings(run: &Run) -> Vec<String> {
    let result = &run.json()["result"];
    let flaws =
        [&result["flaws"], &result["from"]["flaws"]].into_iter().filter_map(Value::as_array).flatten();
    flaws.map(|flaw| flaw["finding"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_entry_is_proven_without_the_database() {
    let (database, mut client, tenant) = with_one_tenant();
    let other = add_tenant(&mut client, "other");
    add_entries(&mut client, tenant, 41);
    add_entries(&mut client, other, 3);
    let url = database.url();
    let notary = Notary::new();
    notary.sign(&url);
    let checkpoint = keep(&notary, tenant, "41.checkpoint");
    let mut receipts = Vec::new();
    for seq in [1, 2, 17, 40, 41] {
        let receipt = proof(prove(&url, tenant, seq, &["--checkpoint", &checkpoint]));
        let run = check(&notary, &receipt, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let result = &run.json()["result"];
        let sql = "SELECT af_audit_record(hash_version, tenant_id, seq, id, actor_type, actor_id, action, resource_type, \
                   resource_id, details, ts), encode(hash, 'hex') FROM audits WHERE tenant_id = $1 AND seq = $2";
        let row = client.query_one(sql, &[&tenant, &seq]).unwrap();
        let stored: Value = serde_json::from_str(row.get(0)).unwrap();
        assert_eq!((&result["entry"]["record"], &result["holds"]), (&stored, &true.into()));
        assert_eq!(result["entry"]["hash"], row.get::<_, String>(1));
        assert_eq!((&result["checkpoint"]["size"], &result["kind"]), (&41.into(), &"receipt".into()));
        assert_eq!(result["checkpoint"]["tenant_id"], tenant.to_string());
        assert_eq!(result["checkpoint"]["database"], database.name());
        assert!(result["proven"][0].as_str().unwrap().contains(&format!("entry {seq} of tenant {tenant}")));
        assert!(result["not_proven"].as_array().unwrap().len() >= 3, "{result}");
        receipts.push(receipt);
    }

    // The same from the directory, into a file, and in JSON.
    let out = notary.text("receipt.tlog-proof");
    let arguments = ["--checkpoint", &notary.out(), "--public-key", &notary.text("key.pub"), "--out", &out];
    let run = prove(&url, tenant, 17, &arguments);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stdout.contains("receipt of entry 17 among the 41"), "{run:?}");
    assert_eq!(fs::read_to_string(&out).unwrap(), receipts[2]);
    let json = prove(&url, tenant, 17, &["--checkpoint", &notary.out(), "--json"]).json();
    assert_eq!((&json["result"]["proof"], &json["result"]["seq"]), (&receipts[2].clone().into(), &17.into()));
    let from_pipe = ["audit", "check-proof", "-", "--public-key", &notary.text("key.pub")];
    let run = tools::run_with_input(&from_pipe, receipts[2].as_bytes());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.starts_with("receipt holds\n"), "{run:?}");

    // Whatever becomes of the ledger, the receipt stays, also under a later checkpoint.
    add_entries(&mut client, tenant, 30);
    notary.sign(&url);
    let later = keep(&notary, tenant, "71.checkpoint");
    let grown = proof(consistency(&url, &checkpoint, &later));
    disable_triggers(&mut client);
    client.batch_execute("DELETE FROM audits").unwrap();
    for receipt in &receipts {
        assert_eq!(check(&notary, receipt, &[]).code, Some(0));
        let from = notary.text("from");
        fs::write(&from, receipt).unwrap();
        let run = check(&notary, &grown, &["--from", &from]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let result = &run.json()["result"];
        assert_eq!(
            (&result["checkpoint"]["size"], &result["from"]["checkpoint"]["size"]),
            (&71.into(), &41.into())
        );
        assert_eq!(result["proven"].as_array().unwrap().len(), 2, "{result}");
    }
}

#[test]
fn a_checkpoint_continues_an_older_one() {
    let (database, mut client, tenant) = with_one_tenant();
    let url = database.url();
    let notary = Notary::new();
    let mut kept = Vec::new();
    for entries in [3, 4, 1, 5] {
        add_entries(&mut client, tenant, entries);
        notary.sign(&url);
        let size = kept.len();
        kept.push(keep(&notary, tenant, &format!("{size}.checkpoint")));
        for kind in ["checkpoint", "leaves"] {
            let from = notary.path("checkpoints").join(format!("ledger.{kind}"));
            fs::copy(from, notary.path(&format!("ledger-{size}.{kind}"))).unwrap();
        }
    }
    for (from, to) in [(0, 0), (0, 1), (0, 3), (1, 2), (2, 3)] {
        let proven = proof(consistency(&url, &kept[from], &kept[to]));
        let run = check(&notary, &proven, &["--from", &kept[from]]);
        assert_eq!(run.code, Some(0), "{from} to {to}: {run:?}");
        // The log of all chains needs no database.
        let ledger = |n: usize| notary.text(&format!("ledger-{n}.checkpoint"));
        let offline = consistency("postgresql://nowhere.invalid/x", &ledger(from), &ledger(to));
        let run = check(&notary, &proof(offline), &["--from", &ledger(from)]);
        assert_eq!(run.code, Some(0), "{from} to {to}: {run:?}");
    }
    let back = consistency(&url, &kept[2], &kept[1]);
    assert_eq!(back.code, Some(1), "{back:?}");
    assert!(back.stderr.contains("--from is the older one"), "{back:?}");
    let ledger = notary.text("ledger-2.checkpoint");
    assert_eq!(consistency(&url, &kept[0], &ledger).code, Some(1));
    let proven = proof(consistency(&url, &kept[0], &kept[3]));
    for (arguments, code, finding) in [
        (&["--from", &kept[1]][..], Some(3), Some("other_beginning")),
        (&["--from", &ledger], Some(3), Some("other_origin")),
        (&[], Some(1), None),
    ] {
        let run = check(&notary, &proven, arguments);
        assert_eq!(run.code, code, "{run:?}");
        assert!(finding.is_none_or(|finding| findings(&run) == [finding]), "{run:?}");
    }

    // Leaves that are not those that were signed.
    let leaves = notary.path("ledger-3.leaves");
    let text = fs::read_to_string(&leaves).unwrap();
    fs::write(&leaves, text.replacen(" 3 ", " 2 ", 1)).unwrap();
    let (from, to) = (notary.text("ledger-0.checkpoint"), notary.text("ledger-3.checkpoint"));
    assert_eq!(consistency(&url, &from, &to).code, Some(3));
    fs::remove_file(&leaves).unwrap();
    assert_eq!(consistency(&url, &from, &to).code, Some(4));

    // A chain that was rewritten after it was signed.
    disable_triggers(&mut client);
    rewrite(&mut client, tenant, 2);
    let refused = consistency(&url, &kept[0], &kept[3]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(3), ""), "{refused:?}");
    enable_triggers(&mut client);
}

#[test]
fn nothing_is_proven_that_is_not_so() {
    let (database, mut client, tenant) = with_one_tenant();
    let other = add_tenant(&mut client, "other");
    add_entries(&mut client, tenant, 20);
    add_entries(&mut client, other, 20);
    let url = database.url();
    let notary = Notary::new();
    notary.sign(&url);
    let checkpoint = keep(&notary, tenant, "20.checkpoint");
    // Whoever can do all that can also do without the constraints.
    client
        .batch_execute(
            "CREATE TABLE pristine AS TABLE audits; \
             ALTER TABLE audits DROP CONSTRAINT audits_prev_hash_check, DROP CONSTRAINT audits_hash_check",
        )
        .unwrap();
    disable_triggers(&mut client);
    let own = |sql: &str| sql.replace(":own", &format!("tenant_id = '{tenant}'"));
    for (sql, seq, message) in [
        ("UPDATE audits SET action = 'x' WHERE :own AND seq = 7", 7, Some("altered: entry 7")),
        // The others are still what was signed.
        ("UPDATE audits SET action = 'x' WHERE :own AND seq = 7", 8, None),
        ("UPDATE audits SET prev_hash = NULL WHERE :own AND seq = 7", 7, Some("altered: entry 7")),
        ("UPDATE audits SET details = '{}' WHERE :own AND seq = 1", 1, Some("altered: entry 1")),
        ("UPDATE audits SET hash = sha256(hash) WHERE :own AND seq = 3", 7, Some("rewritten: the first 20")),
        ("UPDATE audits SET hash = '\\x00' WHERE :own AND seq = 3", 7, Some("unsealed: entry 3")),
        ("DELETE FROM audits WHERE :own AND seq = 3", 7, Some("missing: entry 3")),
        ("DELETE FROM audits WHERE :own AND seq > 18", 7, Some("missing: entry 19")),
        ("DELETE FROM audits WHERE :own", 7, Some("missing: entry 1")),
    ] {
        client.batch_execute(&own(sql)).unwrap();
        let run = prove(&url, tenant, seq, &["--checkpoint", &checkpoint]);
        match message {
            Some(message) => {
                assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{sql}: {run:?}");
                assert!(run.stderr.contains(message), "{sql}: {run:?}");
            }
            None => assert_eq!(check(&notary, &proof(run), &[]).code, Some(0)),
        }
        client.batch_execute("DELETE FROM audits; INSERT INTO audits SELECT * FROM pristine").unwrap();
    }
    rewrite(&mut client, tenant, 5);
    let run = prove(&url, tenant, 2, &["--checkpoint", &checkpoint]);
    assert_eq!(run.code, Some(3), "{run:?}");
    client.batch_execute("DELETE FROM audits; INSERT INTO audits SELECT * FROM pristine").unwrap();
    enable_triggers(&mut client);

    // What the checkpoint is not of.
    insert(&mut client, tenant);
    let later = prove(&url, tenant, 21, &["--checkpoint", &checkpoint]);
    assert_eq!(later.code, Some(4), "{later:?}");
    assert!(later.stderr.contains("Make a newer checkpoint"), "{later:?}");
    let wrong = prove(&url, other, 2, &["--checkpoint", &checkpoint]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let ledger = prove(&url, tenant, 2, &["--checkpoint", &notary.text("checkpoints/ledger.checkpoint")]);
    assert_eq!(ledger.code, Some(1), "{ledger:?}");
    let missing = prove(&url, tenant, 2, &["--checkpoint", &notary.text("no.checkpoint")]);
    assert_eq!(missing.code, Some(4), "{missing:?}");
    assert_eq!(prove(&url, tenant, 0, &["--checkpoint", &checkpoint]).code, Some(2));
    let stranger = Notary::new();
    let key = stranger.text("key.pub");
    let unsigned = prove(&url, tenant, 2, &["--checkpoint", &checkpoint, "--public-key", &key]);
    assert_eq!(unsigned.code, Some(1), "{unsigned:?}");
    let edited = notary.text("edited.checkpoint");
    let text = fs::read_to_string(&checkpoint).unwrap();
    fs::write(&edited, text.replacen("\n20\n", "\n19\n", 1)).unwrap();
    let key = notary.text("key.pub");
    let forged = prove(&url, tenant, 2, &["--checkpoint", &edited, "--public-key", &key]);
    assert_eq!(forged.code, Some(3), "{forged:?}");
    let elsewhere = Database::new();
    let foreign = prove(&elsewhere.url(), tenant, 2, &["--checkpoint", &checkpoint]);
    assert_eq!(foreign.code, Some(3), "{foreign:?}");
    assert!(foreign.stderr.contains("foreign"), "{foreign:?}");
}

#[test]
fn what_may_be_hidden_is_not_called_missing() {
    let database = Database::migrated();
    let mut client = database.connect();
    let tenant = add_tenant(&mut client, "one");
    add_entries(&mut client, tenant, 5);
    let url = database.url();
    let notary = Notary::new();
    notary.sign(&url);
    let role = format!("receipts_{}", database.name());
    client.batch_execute(&format!("CREATE ROLE {role} LOGIN; GRANT af_app TO {role}")).unwrap();
    let run = prove(&database.url_as(&role), tenant, 2, &["--checkpoint", &notary.out()]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.stderr.contains("Row-level security"), "{run:?}");
    client.batch_execute(&format!("REVOKE af_app FROM {role}; GRANT af_auditor TO {role}")).unwrap();
    let receipt = proof(prove(&database.url_as(&role), tenant, 2, &["--checkpoint", &notary.out()]));
    assert_eq!(check(&notary, &receipt, &[]).code, Some(0));
    client.batch_execute(&format!("DROP ROLE {role}")).unwrap();
}

/// Whatever character of a proof is changed, it does not hold any more; and another checker, written from the specifications,
/// says of each the same.
#[test]
fn no_character_can_be_changed_and_another_checker_agrees() {
    let (database, mut client, tenant) = with_one_tenant();
    let url = database.url();
    let notary = Notary::new();
    add_entries(&mut client, tenant, 4);
    notary.sign(&url);
    let older = keep(&notary, tenant, "4.checkpoint");
    add_entries(&mut client, tenant, 9);
    notary.sign(&url);
    let newer = keep(&notary, tenant, "13.checkpoint");
    let receipt = proof(prove(&url, tenant, 6, &["--checkpoint", &newer]));
    let grown = proof(consistency(&url, &older, &newer));
    let from = fs::read_to_string(&older).unwrap();

    let begun = |case: Case| Case { from: Some(from.clone()), ..case };
    let mut cases = vec![Case::new("receipt", &receipt), begun(Case::new("consistency", &grown))];
    for (n, edited) in edits(&receipt).enumerate() {
        cases.push(Case::new(format!("receipt, edit {n}"), edited));
    }
    for (n, edited) in edits(&grown).enumerate() {
        cases.push(begun(Case::new(format!("consistency, edit {n}"), edited)));
    }
    for (n, edited) in edits(&from).enumerate() {
        let case = Case { from: Some(edited), ..Case::new(format!("from, edit {n}"), &grown) };
        cases.push(case);
    }
    let keys = [VerifyingKey::load(&notary.path("key.pub")).unwrap()];
    let cases: Vec<Case> = cases.into_iter().map(|case| case.judged(&keys, &Policy::default())).collect();
    assert!(cases[..2].iter().all(|case| case.verdict == "holds"), "{:?}", &cases[..2]);
    for case in &cases[2..] {
        assert!(case.verdict != "holds", "{case:?}");
    }

    let file = notary.path("cases.json");
    let public_key = fs::read_to_string(notary.path("key.pub")).unwrap();
    let document = Cases { public_key, witnesses: Vec::new(), cases };
    fs::write(&file, serde_json::to_string(&document).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/check-proof");
    let run = Command::new(script).arg(&file).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let verdicts = String::from_utf8(run.stdout).unwrap();
    let mut verdicts = verdicts.lines();
    for case in &document.cases {
        let found = verdicts.next().unwrap_or_else(|| panic!("nothing is said of {}", case.name));
        assert_eq!(found.split(':').next(), Some(case.verdict.as_str()), "{found}: {case:?}");
    }
    assert_eq!(verdicts.next(), None);

    // The command says it with its exit code.
    for (case, code) in [("holds", 0), ("flawed", 3), ("no proof", 1)] {
        let case = document.cases.iter().find(|one| one.verdict == case && one.from.is_none()).unwrap();
        let run = check(&notary, &case.proof, &[]);
        assert_eq!(run.code, Some(code), "{run:?}");
        if code != 1 {
            assert_eq!(findings(&run), case.findings);
        }
    }
}

/// Each character left out, doubled, and exchanged for others.
fn edits(text: &str) -> impl Iterator<Item = String> {
    text.char_indices().flat_map(move |(at, char)| {
        let (before, behind) = (&text[..at], &text[at + char.len_utf8()..]);
        let others = ["A", "b", "0", "1", "=", "\n", " ", "é"].into_iter().map(str::to_owned);
        let all = others.chain([String::new(), format!("{char}{char}")]);
        all.map(move |with| format!("{before}{with}{behind}")).filter(move |edited| edited != text)
    })
}

#[test]
fn witnesses_cosign_what_continues() {
    let (database, mut client, tenant) = with_one_tenant();
    let url = database.url();
    let (notary, witness) = (Notary::new(), Notary::new());
    let log_key = notary.text("key.pub");
    let cosign = |checkpoint: &str, arguments: &[&str]| {
        let (key, state) = (witness.key(), witness.text("state"));
        let command =
            ["--json", "audit", "cosign", checkpoint, "--key", &key, "--name", "witness.example/w1"];
        let trust = ["--public-key", &log_key, "--state", &state, "--out", checkpoint];
        tools::run(&[&command, &trust[..], arguments].concat())
    };
    let vkey = tools::run(&["audit", "vkey", &witness.text("key.pub"), "--name", "witness.example/w1"]);
    assert_eq!(vkey.code, Some(0), "{vkey:?}");
    assert!(vkey.stdout.starts_with("witness.example/w1+"), "{vkey:?}");
    let witnesses = notary.text("witnesses");
    fs::write(&witnesses, format!("# who watches\n{}", vkey.stdout)).unwrap();

    add_entries(&mut client, tenant, 5);
    notary.sign(&url);
    let five = keep(&notary, tenant, "5.checkpoint");
    let plain = proof(prove(&url, tenant, 2, &["--checkpoint", &five]));
    let first = cosign(&five, &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stderr.contains("the first checkpoint of"), "{first:?}");
    assert_eq!(first.json()["result"]["last_size"], Value::Null);
    let cosigned = proof(prove(&url, tenant, 2, &["--checkpoint", &five, "--public-key", &log_key]));

    let demand = ["--witness", &witnesses];
    let run = check(&notary, &cosigned, &demand);
    assert_eq!(run.code, Some(0), "{run:?}");
    let seen = &run.json()["result"]["checkpoint"]["witnessed"];
    assert_eq!(
        (&seen["required"], &seen["cosignatures"][0]["name"]),
        (&1.into(), &"witness.example/w1".into())
    );
    let run = check(&notary, &plain, &demand);
    assert_eq!((run.code, findings(&run)), (Some(4), vec!["not_witnessed".to_owned()]), "{run:?}");
    assert_eq!(check(&notary, &plain, &[]).code, Some(0));
    assert_eq!(check(&notary, &plain, &["--witness", &witnesses, "--witnesses-required", "2"]).code, Some(2));
    assert_eq!(check(&notary, &plain, &["--witnesses-required", "1"]).code, Some(2));
    let signature = cosigned.lines().last().unwrap();
    let forged = cosigned.replace(signature, &format!("{}AAAA", &signature[..signature.len() - 4]));
    let run = check(&notary, &forged, &demand);
    assert_eq!((run.code, findings(&run)), (Some(3), vec!["forged_cosignature".to_owned()]), "{run:?}");

    // What has grown takes a proof.
    add_entries(&mut client, tenant, 4);
    notary.sign(&url);
    let nine = keep(&notary, tenant, "9.checkpoint");
    let unproven = cosign(&nine, &[]);
    assert_eq!(unproven.code, Some(4), "{unproven:?}");
    assert!(unproven.json()["error"]["hint"].as_str().unwrap().contains("prove-consistency"), "{unproven:?}");
    let grown = notary.text("grown");
    fs::write(&grown, proof(consistency(&url, &five, &nine))).unwrap();
    let next = cosign(&nine, &["--proof", &grown]);
    assert_eq!((next.code, &next.json()["result"]["last_size"]), (Some(0), &5.into()), "{next:?}");
    let back = cosign(&five, &[]);
    assert_eq!(back.code, Some(4), "{back:?}");
    assert!(
        back.json()["error"]["message"].as_str().unwrap().contains("or the log was rolled back"),
        "{back:?}"
    );

    // Another history of the same length, with the log's own signature: the witness does not vouch for it.
    disable_triggers(&mut client);
    rewrite(&mut client, tenant, 3);
    let again = tempfile::tempdir().unwrap();
    let (key, out) = (notary.key(), again.path().join("x").to_str().unwrap().to_owned());
    let signed = tools::run(&["--url", &url, "audit", "checkpoint", "--key", &key, "--out", &out]);
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let forked = format!("{out}/{tenant}.checkpoint");
    let split = cosign(&forked, &[]);
    assert_eq!(split.code, Some(3), "{split:?}");
    assert!(split.json()["error"]["message"].as_str().unwrap().starts_with("rewritten"), "{split:?}");

    // Nor for what the log's key has not signed.
    let text = fs::read_to_string(&nine).unwrap();
    let edited = notary.text("edited.checkpoint");
    fs::write(&edited, text.replacen("\n9\n", "\n8\n", 1)).unwrap();
    assert_eq!(cosign(&edited, &[]).code, Some(3));
    let missing = cosign(&notary.text("no.checkpoint"), &[]);
    assert_eq!(missing.code, Some(4), "{missing:?}");
}
