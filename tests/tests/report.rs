//! `af-tools audit report`: one page that shows what was found with the entries that it is about, and says what is not proven.

use std::fs;
use std::path::Path;
use std::process::Command;

use af_tests::database::Database;
use af_tests::ledger::{add_entries, add_tenant, disable_triggers};
use af_tests::tools::{self, Run};
use postgres::Client;
use tempfile::TempDir;
use uuid::Uuid;

/// What somebody may write into any column, in order to have it run in an auditor's browser.
const HOSTILE: &str = "</script></style><img src=x onerror=alert(1)>\u{202e}'\"&";

struct Desk {
    directory: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// Makes a report; gives the run, and the page.
    fn report(&self, url: &str, arguments: &[&str]) -> (Run, String) {
        let out = self.path("report.html");
        let command = ["--url", url, "--json", "audit", "report", "--out", &out];
        let run = tools::run(&[&command, arguments].concat());
        let page = fs::read_to_string(&out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        (run, page)
    }
}

/// A ledger whose first chain is called something hostile.
fn hostile_ledger() -> (Database, Client, Uuid, Uuid) {
    let database = Database::migrated();
    let mut client = database.connect();
    let one = add_tenant(&mut client, HOSTILE);
    let two = add_tenant(&mut client, "two");
    add_entries(&mut client, one, 30);
    client
        .execute(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, resource_id, details) \
             VALUES ($1, $2, $2, $2, $2, $2, jsonb_build_object($2::text, $2::text))",
            &[&one, &HOSTILE],
        )
        .unwrap();
    add_entries(&mut client, one, 30);
    add_entries(&mut client, two, 10);
    (database, client, one, two)
}

#[test]
fn an_intact_ledger_is_shown_with_what_is_not_proven() {
    let (database, _client, one, two) = hostile_ledger();
    let desk = Desk::new();
    let (run, page) = desk.report(&database.url(), &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json()["result"].take();
    assert_eq!(
        (&report["verification"]["status"], &report["exhibits"]),
        (&"ok".into(), &serde_json::json!([]))
    );
    assert_eq!(report["timelines"].as_array().unwrap().len(), 2);
    let buckets = report["timelines"][0]["buckets"].as_array().unwrap();
    let drawn: i64 = buckets.iter().map(|bucket| bucket["entries"].as_i64().unwrap()).sum();
    assert!(drawn == 61 || drawn == 10, "{report}");
    assert!(report["not_proven"][0].as_str().unwrap().contains("no checkpoint was given"), "{report}");
    for part in
        ["Intact", "What this does not prove", "no checkpoint was given", &one.to_string(), &two.to_string()]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("id=\"findings\""));
    assert_eq!(run.json()["result"]["sha256"].as_str().map(str::len), Some(64));
    // Nothing of what was written into the ledger is markup here, and nothing hides.
    assert!(!page.contains("<img") && !page.contains('\u{202e}') && page.matches("</style>").count() == 1);
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;<span class=\"odd\">U+202E</span>"));
}

#[test]
fn findings_are_shown_with_the_entries_that_they_are_about() {
    let (database, mut client, one, two) = hostile_ledger();
    let url = database.url();
    let desk = Desk::new();
    let (key, checkpoints) = (desk.path("key"), desk.path("checkpoints"));
    assert_eq!(tools::run(&["audit", "keygen", &key]).code, Some(0));
    let sign = ["--url", &url, "audit", "checkpoint", "--key", &key, "--out", &checkpoints];
    assert_eq!(tools::run(&sign).code, Some(0));
    disable_triggers(&mut client);
    client
        .batch_execute(&format!(
            "UPDATE audits SET action = 'changed' WHERE tenant_id = '{one}' AND seq = 31;
             DELETE FROM audits WHERE tenant_id = '{one}' AND seq BETWEEN 40 AND 44;
             DELETE FROM audits WHERE tenant_id = '{two}' AND seq > 7"
        ))
        .unwrap();
    let public_key = format!("{key}.pub");
    let (run, page) = desk.report(&url, &["--checkpoint", &checkpoints, "--public-key", &public_key]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let exhibits = run.json()["result"]["exhibits"].take();
    let shown = |finding: &str| {
        let exhibit =
            exhibits.as_array().unwrap().iter().find(|exhibit| exhibit["finding"]["finding"] == finding);
        let exhibit = exhibit.unwrap_or_else(|| panic!("no {finding} in {exhibits}"));
        exhibit["entries"].as_array().unwrap().clone()
    };
    let seqs =
        |finding: &str| shown(finding).iter().map(|entry| entry["seq"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(seqs("altered"), [30, 31, 32]);
    assert_eq!(seqs("missing"), [39, 45]);
    assert_eq!(seqs("truncated"), [7]);
    let altered = &shown("altered")[1];
    assert_ne!(altered["hash"], altered["computed_hash"]);
    assert!(
        page.contains(altered["computed_hash"].as_str().unwrap())
            && page.contains(altered["hash"].as_str().unwrap())
    );
    // What the entry before and the link say agree.
    assert_eq!(shown("altered")[2]["prev_hash"], altered["hash"]);
    for part in [
        "Tampered with",
        "the chain is shorter",
        "class=\"mark\"",
        "<td>changed</td>",
        "guards not as they should be",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(run.json()["result"]["guards"]["weaknesses"].as_array().is_some_and(|found| !found.is_empty()));
    assert!(!page.contains("<img"));
}

#[test]
fn many_chains_fold_and_no_entries_are_said() {
    let database = Database::migrated();
    let mut client = database.connect();
    let desk = Desk::new();
    let (run, page) = desk.report(&database.url(), &[]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(page.contains("There are no entries."));
    let (allowed, _) = desk.report(&database.url(), &["--allow-empty"]);
    assert_eq!(allowed.code, Some(0), "{allowed:?}");

    for n in 0..120 {
        let tenant = add_tenant(&mut client, &format!("tenant {n}"));
        add_entries(&mut client, tenant, 3);
    }
    let (run, page) = desk.report(&database.url(), &["--jobs", "2"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(page.contains("<summary>120 intact chains</summary>"));
    assert_eq!(page.matches("<svg").count(), 120);
    disable_triggers(&mut client);
    client.batch_execute("UPDATE audits SET hash = prev_hash WHERE seq = 2").unwrap();
    let (run, page) = desk.report(&database.url(), &[]);
    assert_eq!(run.code, Some(3));
    assert_eq!(run.json()["result"]["exhibits"].as_array().unwrap().len(), 50);
    assert!(page.contains("findings more are not shown here"), "{page}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let (database, _client, ..) = hostile_ledger();
    let run =
        tools::run(&["--url", &database.url(), "audit", "report", "--out", "/does/not/exist/report.html"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("write /does/not/exist/report.html"), "{run:?}");
}

/// Opens a page beside the report, which looks into it and writes down what it sees.
const LOOKER: &str = include_str!("report/looker.html");

fn chromium() -> Option<&'static str> {
    let found = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(found)
}

fn look(browser: &str, directory: &Path, width: u32, scheme: &str) -> serde_json::Value {
    let looker = directory.join("looker.html");
    fs::write(&looker, LOOKER.replace("WIDTH", &width.to_string())).unwrap();
    let output = Command::new(browser)
        // Nothing but these files can be reached: names of hosts lead nowhere.
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"])
        .args(["--allow-file-access-from-files", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("file://{}", looker.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let seen = dom.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let seen = seen.unwrap_or_else(|| panic!("{dom}\n{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(seen).unwrap_or_else(|error| panic!("{error}: {dom}"))
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not tested is to be said")]
fn a_browser_shows_it_if_there_is_one() {
    let Some(browser) = chromium() else {
        eprintln!("SKIPPED: there is no Chromium here to look at the report with");
        return;
    };
    let (database, mut client, one, _) = hostile_ledger();
    disable_triggers(&mut client);
    client
        .batch_execute(&format!(
            "UPDATE audits SET action = repeat('x', 500) WHERE tenant_id = '{one}' AND seq = 31"
        ))
        .unwrap();
    let desk = Desk::new();
    let (run, page) = desk.report(&database.url(), &[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let directory = desk.directory.path();
    for width in [360, 1280] {
        let seen = look(browser, directory, width, "1");
        let sections = ["verdict", "not-proven", "findings", "chains", "checkpoints", "guards", "method"];
        assert_eq!(seen["sections"], serde_json::json!(sections), "{seen}");
        assert_eq!((&seen["overflows"], &seen["marks"]), (&false.into(), &1.into()), "at {width}: {seen}");
        let nothing = serde_json::json!([0, 0, 0]);
        assert_eq!(serde_json::json!([seen["loaded"], seen["scripts"], seen["images"]]), nothing, "{seen}");
        assert_eq!(
            (&seen["ground"], &seen["ink"]),
            (&"rgb(255, 255, 255)".into(), &"rgb(22, 32, 44)".into())
        );
    }
    let dark = look(browser, directory, 1280, "0");
    assert_eq!((&dark["ground"], &dark["ink"]), (&"rgb(17, 23, 30)".into(), &"rgb(228, 234, 240)".into()));

    let pdf = directory.join("report.pdf");
    let printed = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(format!("file://{}", desk.path("report.html")))
        .output()
        .unwrap();
    let pdf = fs::read(&pdf).unwrap_or_else(|error| panic!("{error}: {printed:?}"));
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000, "{} bytes", pdf.len());
    assert!(page.len() < 200_000, "{} bytes", page.len());
}
