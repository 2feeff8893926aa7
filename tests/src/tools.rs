//! The `af-tools` binary, run as its users run it.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use af_tools::audit::verify::{self, Options};
use af_tools::connection::Connection;
use af_tools::watch::Watch;
use serde_json::Value;

use crate::database::settings;
use crate::ledger::Finding;

/// What a run left.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote as result.
    pub stdout: String,
    /// What it wrote beside that.
    pub stderr: String,
}

impl Run {
    /// The `--json` document.
    ///
    /// # Panics
    ///
    /// When standard output is not exactly one.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not a JSON document: {error}\n{self:?}"))
    }
}

/// `af-tools` with these arguments, in an environment without connection settings.
#[must_use]
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in env::vars_os() {
        // PG_CONFIG says where the server's programs are, not where to connect.
        let starts_with = |prefix| name.to_string_lossy().starts_with(prefix);
        let is_setting = starts_with("PG") && name != "PG_CONFIG" || starts_with("AF_SECRET");
        if is_setting || name == "DATABASE_URL" || name == "AF_PASSWORD_SECRET" || name == "AF_MEMORY_ENABLED"
        {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `af-tools`.
#[must_use]
pub fn run(arguments: &[&str]) -> Run {
    finish(command(arguments).spawn().expect("af-tools starts"))
}

/// Runs `af-tools` with something on standard input.
#[must_use]
pub fn run_with_input(arguments: &[&str], input: &[u8]) -> Run {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("af-tools starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // Written from a thread of its own: neither side may wait for the other. A broken pipe is the run's own business.
    let writer = std::thread::spawn(move || pipe.write_all(&input));
    let run = finish(child);
    let _ = writer.join().expect("the writer does not panic");
    run
}

/// Waits for the end of a run.
///
/// # Panics
///
/// When it cannot be waited for.
#[must_use]
pub fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("af-tools ends");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Where cargo put the binary: beside the directory that this test runs from. It is another package's, so cargo
/// does not build it for these tests; one that is older than its source would test what is gone.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = env::current_exe().expect("a test knows where it is");
        let directories = test.ancestors().skip(1).take(2);
        let binary = directories.map(|directory| directory.join("af-tools")).find(|path| path.is_file());
        let binary = binary.expect("af-tools is built; `cargo build --release --package af-tools` does it");
        let sources =
            ["../af-tools/src", "../af-tools/queries/src", "../sql/migrations", "../sql/schema.sql"];
        let sources = sources.map(|source| Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
        let built = modified(&binary);
        assert!(
            sources.iter().all(|source| newest(source) <= built),
            "af-tools is older than its source; `cargo build --release --package af-tools` builds it"
        );
        binary
    })
}

fn modified(path: &Path) -> SystemTime {
    path.metadata().and_then(|metadata| metadata.modified()).expect("a file has a time")
}

/// When a file, or the newest file below a directory, was written.
fn newest(path: &Path) -> SystemTime {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = path.read_dir().expect("the source can be read");
    entries.map(|entry| newest(&entry.expect("an entry").path())).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// What `af-tools audit verify` says of a database: its exit code, and its findings as `af_audit_findings()` gives them.
///
/// # Panics
///
/// When it does not answer with a document.
#[must_use]
pub fn verify(url: &str) -> (Option<i32>, Vec<Finding>) {
    let run = run(&["--url", url, "--json", "audit", "verify"]);
    let document = run.json();
    let findings =
        document["result"]["findings"].as_array().unwrap_or_else(|| panic!("no findings in {document}"));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let uuid = |value: &Value| text(value).map(|text| text.parse().expect("a UUID"));
    let finding = |value: &Value| Finding {
        tenant: uuid(&value["tenant_id"]),
        seq: value["seq"].as_i64(),
        id: uuid(&value["id"]),
        kind: text(&value["finding"]).expect("a kind"),
    };
    (run.code, findings.iter().map(finding).collect())
}

/// What the library under `af-tools audit verify` says, by one session if `jobs` is 0, else by so many; without what differs
/// from one run to the next.
///
/// # Panics
///
/// When it cannot verify.
#[must_use]
pub fn verify_by(url: &str, jobs: usize, options: &Options, watch: &mut dyn Watch) -> Value {
    let mut connection = Connection::open(&settings(url)).expect("a session");
    let jobs = (0..jobs).map(|_| connection.another().expect("another session")).collect();
    let verification = verify::verify(&mut connection.client, jobs, options, watch).expect("a verification");
    let mut value = serde_json::to_value(verification).expect("JSON");
    let object = value.as_object_mut().expect("an object");
    for key in ["seconds", "entries_per_second", "jobs"] {
        assert!(object.remove(key).is_some(), "{key}");
    }
    value
}

/// How much memory a process has had at most, in kilobytes; 0 once it has ended.
#[must_use]
pub fn peak_memory_kb(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    peak.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}
