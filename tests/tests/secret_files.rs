//! What a reader sees of a secret while it is being changed, and after whoever changed it was killed: the old value or the
//! new one, whole.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use af_tests::random::Random;
use af_tests::tools;
use af_tools::secrets::{
    DirectoryProvider, Error, FileProvider, Key, Options, Rules, Secret, SecretsProvider, Step, Version,
    Watched, rotate,
};
use tempfile::TempDir;

fn key() -> Key {
    "db".parse().unwrap()
}

fn private() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

/// A provider of each kind that can be written to.
fn providers(directory: &Path) -> [Arc<dyn SecretsProvider>; 2] {
    [
        Arc::new(FileProvider::new(directory.join("secrets.json"), Rules::default())),
        Arc::new(DirectoryProvider::new(directory.join("secrets"), Rules::default())),
    ]
}

/// A value of which each part tells which one it is: a mixture would be seen, and so would one that is cut off.
fn value(number: usize) -> Secret {
    Secret::new(format!("<{}>", format!("{number}/").repeat(2_000 + number % 50)))
}

/// Which value it is.
fn number_of(secret: &Secret) -> usize {
    let text = secret.reveal();
    let number = text[1..].split('/').next().and_then(|number| number.parse().ok());
    let number = number.unwrap_or_else(|| panic!("torn: {} bytes", text.len()));
    assert!(*secret == value(number), "torn: {number}");
    number
}

/// The names of files that are neither a lock nor one of a provider's own: what was left behind.
fn left_behind(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.into_string().unwrap());
    names.filter(|name| name.contains("tmp")).collect()
}

#[test]
fn readers_see_whole_values_while_a_writer_rotates() {
    const ROTATIONS: usize = 300;
    let scratch = private();
    for provider in providers(scratch.path()) {
        provider.set(&key(), &value(0)).unwrap();
        let is_over = AtomicBool::new(false);
        let watched = Watched::start(Arc::clone(&provider), &[key()], Options::default()).unwrap();
        let reads: usize = thread::scope(|scope| {
            let read = || {
                let (mut reads, mut last) = (0, 0);
                while !is_over.load(Ordering::Relaxed) {
                    let now = number_of(&provider.get(&key(), Version::Current).unwrap().secret);
                    assert!(now >= last, "{now} after {last}");
                    let held = watched.value(&key()).unwrap();
                    assert!(number_of(&held.secret) <= ROTATIONS && !held.is_stale);
                    (reads, last) = (reads + 1, now);
                }
                reads
            };
            let readers: Vec<_> = (0..4).map(|_| scope.spawn(read)).collect();
            for number in 1..=ROTATIONS {
                rotate(&*provider, &key(), &value(number), &mut |staged| {
                    assert_eq!(number_of(staged), number);
                    Ok(())
                })
                .unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
            readers.into_iter().map(|reader| reader.join().unwrap()).sum()
        });
        assert!(reads > ROTATIONS, "only {reads} reads");
        assert_eq!(number_of(&provider.get(&key(), Version::Previous).unwrap().secret), ROTATIONS - 1);
        let deadline = Instant::now() + Duration::from_secs(20);
        while number_of(&watched.value(&key()).unwrap().secret) != ROTATIONS {
            assert!(Instant::now() < deadline, "{} does not hear of the last one", provider.describe());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn writers_take_turns_and_lose_nothing() {
    const WRITERS: usize = 8;
    const KEYS: usize = 20;
    let scratch = private();
    for provider in providers(scratch.path()) {
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let provider = &provider;
                scope.spawn(move || {
                    for number in 0..KEYS {
                        let key: Key = format!("key-{writer}-{number}").parse().unwrap();
                        provider.set(&key, &Secret::new(format!("value {writer} {number}"))).unwrap();
                    }
                });
            }
        });
        assert_eq!(provider.list().unwrap().secrets.len(), WRITERS * KEYS);
        for (writer, number) in (0..WRITERS).flat_map(|writer| (0..KEYS).map(move |number| (writer, number)))
        {
            let key: Key = format!("key-{writer}-{number}").parse().unwrap();
            let found = provider.get(&key, Version::Current).unwrap();
            assert_eq!(found.secret.reveal(), format!("value {writer} {number}"));
        }
    }
}

/// Of several rotations at once, one stages its value, and the others hear that it is under way.
#[test]
fn rotations_do_not_mix() {
    let scratch = private();
    for provider in providers(scratch.path()) {
        provider.set(&key(), &value(0)).unwrap();
        let staged: usize = thread::scope(|scope| {
            let stage = |number: usize| {
                let provider = &provider;
                scope.spawn(move || match provider.rotate(&key(), Step::Stage(&value(number))) {
                    Ok(_) => 1,
                    Err(Error::RotationUnderWay { .. }) => 0,
                    Err(error) => panic!("{error}"),
                })
            };
            let stages: Vec<_> = (1..=8).map(stage).collect();
            stages.into_iter().map(|stage| stage.join().unwrap()).sum()
        });
        assert_eq!(staged, 1);
        let pending = number_of(&provider.get(&key(), Version::Pending).unwrap().secret);
        provider.rotate(&key(), Step::Promote).unwrap();
        assert_eq!(number_of(&provider.get(&key(), Version::Current).unwrap().secret), pending);
    }
}

/// The program is killed at some moment of its work, again and again.
#[test]
fn a_killed_writer_leaves_the_old_value_or_the_new_one() {
    const ROUNDS: usize = 150;
    let mut random = Random::from_environment();
    let scratch = private();
    let places = [
        format!("file:{}/secrets.json", scratch.path().display()),
        format!("dir:{}/secrets", scratch.path().display()),
    ];
    for (provider, place) in providers(scratch.path()).into_iter().zip(places) {
        provider.set(&key(), &value(0)).unwrap();
        // How long one takes that is let alone.
        let began = Instant::now();
        let run = tools::run_with_input(
            &["--secrets", &place, "secrets", "set", "db"],
            value(0).reveal().as_bytes(),
        );
        assert_eq!(run.code, Some(0), "{run:?}");
        let usual = began.elapsed();
        let (mut before, mut killed, mut changed) = (0, 0, 0);
        for round in 1..=ROUNDS {
            let words: &[&str] = if round % 2 == 0 { &["set", "db"] } else { &["rotate", "db"] };
            let arguments = [&["--secrets", &place, "secrets"], words].concat();
            let mut child = tools::command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
            // A pipe takes that much without a reader.
            child.stdin.take().unwrap().write_all(value(round).reveal().as_bytes()).unwrap();
            thread::sleep(usual.mul_f64(random.below(1_500) as f64 / 1_000.0));
            child.kill().unwrap();
            killed += usize::from(child.wait().unwrap().signal() == Some(9));
            let now = number_of(&provider.get(&key(), Version::Current).unwrap().secret);
            assert!(now == before || now == round, "{now} after {before}, in round {round}");
            changed += usize::from(now == round);
            before = now;
            // What it left of a rotation can be gone on with, or back from.
            match provider.rotate(&key(), Step::Discard) {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        // Some before, some in the middle, some after the work: else the test would show nothing.
        assert!(killed > ROUNDS / 10 && changed > ROUNDS / 10, "{killed} killed, {changed} changed: {place}");
        // The next writer cleans up: unfinished files hold secrets.
        provider.set(&key(), &value(1)).unwrap();
        assert_eq!(left_behind(scratch.path()), [""; 0]);
    }
    assert_eq!(left_behind(&scratch.path().join("secrets")), [""; 0]);
}
