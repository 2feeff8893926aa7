//! What goes wrong while a backup is made leaves no backup, and says what it was.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use af_tests::backups::Backups;
use af_tests::database::{connect, options};
use af_tests::ledger::small_ledger;
use af_tests::tools::{self, Run};
use af_tools::throwaway::Server;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Client;

/// The process whose arguments have all these words in them, once there is one.
fn process(words: &[&str]) -> Pid {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            if let Ok(pid) = entry.file_name().to_string_lossy().parse()
                && words.iter().all(|word| arguments.contains(word))
            {
                return Pid::from_raw(pid);
            }
        }
        assert!(Instant::now() < deadline, "no process with {words:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A table with so many megabytes that cannot be compressed.
fn add_noise(client: &mut Client, megabytes: i32) {
    let create = format!(
        "CREATE TABLE noise AS SELECT decode(string_agg(md5(random()::text), ''), 'hex') AS bytes \
         FROM generate_series(1, {megabytes} * 65536) AS n GROUP BY n % 200"
    );
    client.batch_execute(&create).unwrap();
}

/// Begins a backup that takes some seconds. Returns it once pg_dump is at work.
fn begin(url: &str, out: &Path) -> (Child, Pid) {
    add_noise(&mut connect(url), 20);
    let out = out.to_str().unwrap();
    let arguments = ["--url", url, "backup", "create", "--out", out, "--compress", "gzip:9"];
    let child = tools::command(&arguments).spawn().unwrap();
    (child, process(&["pg_dump", "--snapshot", out]))
}

fn assert_nothing_left(run: &Run, code: i32, out: &Path) {
    assert_eq!(run.code, Some(code), "{run:?}");
    assert_eq!(fs::read_dir(out).unwrap().count(), 0, "{run:?}");
}

#[test]
fn a_pg_dump_that_is_killed_leaves_nothing() {
    let (backups, _, _) = Backups::new();
    let (child, pg_dump) = begin(&backups.database.url(), backups.path());
    kill(pg_dump, Signal::SIGKILL).unwrap();
    let run = tools::finish(child);
    assert_nothing_left(&run, 1, backups.path());
    assert!(run.stderr.contains("pg_dump") && run.stderr.contains("signal: 9"), "{run:?}");
}

#[test]
fn an_interrupt_ends_pg_dump_and_leaves_nothing() {
    let (backups, _, _) = Backups::new();
    let (child, pg_dump) = begin(&backups.database.url(), backups.path());
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let run = tools::finish(child);
    assert_nothing_left(&run, 130, backups.path());
    assert!(kill(pg_dump, None).is_err(), "pg_dump is still there");
}

#[test]
fn a_server_that_is_killed_leaves_nothing() {
    let server = Server::start(&options()).unwrap();
    drop(small_ledger(&server));
    let url = server.url("ledger");
    let directory = tempfile::tempdir().unwrap();
    let (child, _) = begin(&url, directory.path());
    let stop = ["stop", "--silent", "--mode=immediate", "--pgdata"];
    let stopped = server.command("pg_ctl").args(stop).arg(server.data_dir()).status().unwrap();
    assert!(stopped.success());
    let run = tools::finish(child);
    assert_nothing_left(&run, 1, directory.path());
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().to_str().unwrap();
    let url = format!("postgresql:///ledger?host={out}&user=postgres");
    let run = tools::run(&["--url", &url, "backup", "create", "--out", out]);
    assert_nothing_left(&run, 1, directory.path());
}

/// What a run that was killed left behind goes with the next pruning, and what is being made stays.
#[test]
fn prune_tells_what_was_abandoned_from_what_is_being_made() {
    let (backups, _, _) = Backups::new();
    let kept = backups.create(&["--kind", "schema"]);
    let kept = kept.file_name().unwrap().to_str().unwrap().to_owned();
    let prune = || {
        let directory = backups.path().to_str().unwrap();
        let run = backups.run(&["prune", "--dir", directory, "--keep-last", "1"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        run.json()["result"].clone()
    };
    let (mut child, pg_dump) = begin(&backups.database.url(), backups.path());
    let at_work = prune();
    assert_eq!((at_work["abandoned"].as_array().unwrap().len(), backups.names().len()), (0, 2), "{at_work}");
    let partial = at_work["unreadable"][0]["name"].as_str().unwrap().to_owned();
    assert!(partial.ends_with(".partial"), "{at_work}");
    // pg_dump, which lives on by itself, does not hold the lock.
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    assert!(backups.names().contains(&partial), "there is nothing to prune");
    let abandoned = prune();
    kill(pg_dump, Signal::SIGKILL).unwrap();
    assert_eq!(abandoned["abandoned"], serde_json::json!([partial]));
    assert_eq!(backups.names(), [kept]);
}

/// Somebody who holds a table is waited for, but not for ever.
#[test]
fn a_table_that_is_locked_for_long_is_told() {
    let (backups, _, _) = Backups::new();
    let mut locker = backups.database.connect();
    locker.batch_execute("BEGIN; LOCK TABLE budgets IN ACCESS EXCLUSIVE MODE").unwrap();
    let out = backups.path().to_str().unwrap();
    let run = backups.run(&["create", "--out", out, "--lock-timeout", "200ms"]);
    assert_nothing_left(&run, 1, backups.path());
    assert!(run.stdout.contains("55P03"), "{run:?}");
}

/// A file system of so many kilobytes, as long as it lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(kilobytes: u32) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={kilobytes}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Runs only where a small file system can be mounted, which takes root; elsewhere it says that it did not run.
#[test]
fn a_full_disk_leaves_nothing_where_a_small_one_may_be_mounted() {
    let (Some(tiny), Some(small)) = (SmallDisk::mount(1024), SmallDisk::mount(4096)) else {
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: a_full_disk_…: no file system can be mounted here; root can"
        );
        return;
    };
    let (backups, mut client, _) = Backups::new();
    add_noise(&mut client, 6);
    let create = |disk: &SmallDisk| backups.run(&["create", "--out", disk.0.path().to_str().unwrap()]);
    let run = create(&tiny);
    assert_nothing_left(&run, 1, tiny.0.path());
    assert!(run.stdout.contains("bytes are needed"), "{run:?}");
    let run = create(&small);
    assert_nothing_left(&run, 1, small.0.path());
    assert!(run.stdout.contains("No space left on device"), "{run:?}");
}
