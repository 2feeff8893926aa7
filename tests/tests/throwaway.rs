//! A throw-away server leaves nothing behind, however the process that started it ends.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn with_server() -> Command {
    Command::new(env!("CARGO_BIN_EXE_with-server"))
}

#[test]
fn the_exit_code_is_the_commands() {
    let status =
        with_server().args(["sh", "-c", "test -S \"$PGHOST/.s.PGSQL.$PGPORT\" && exit 42"]).status().unwrap();
    assert_eq!(status.code(), Some(42));
}

#[test]
fn a_killed_owner_leaves_nothing_behind() {
    let scratch = tempfile::tempdir().unwrap();
    let found = scratch.path().join("host");
    let mut owner = with_server()
        .args([
            "sh",
            "-c",
            "echo \"$PGHOST\" >\"$0.new\" && mv \"$0.new\" \"$0\"; while kill -0 $PPID; do sleep 0.1; done",
        ])
        .arg(&found)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !found.exists() {
        assert!(Instant::now() < deadline, "the server does not start");
        thread::sleep(Duration::from_millis(20));
    }
    let directory = PathBuf::from(fs::read_to_string(&found).unwrap().trim_end());
    let postmaster = fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    let pid = postmaster.lines().next().unwrap().to_owned();
    // SIGKILL: nothing of the owner's own runs any more.
    owner.kill().unwrap();
    owner.wait().unwrap();
    let is_running =
        || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while directory.exists() || is_running() {
        assert!(Instant::now() < deadline, "{} or process {pid} is still there", directory.display());
        thread::sleep(Duration::from_millis(20));
    }
}
