//! A secret that changes where it comes from reaches whoever holds it, however it was changed, and one that is gone for a
//! moment is not lost.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use af_tools::secrets::{
    Chain, ChangeKind, DirectoryProvider, EnvironmentProvider, FileProvider, Key, Options, Rules, Secret,
    SecretsProvider, Step, Subscription, Watched,
};
use tempfile::TempDir;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Only events can tell of a change in time, or only polling.
const BY_EVENTS: Options =
    Options { debounce: Duration::from_millis(50), poll: Duration::from_secs(3_600), events: true };
const BY_POLLING: Options =
    Options { debounce: Duration::from_millis(50), poll: Duration::from_millis(50), events: false };

fn key() -> Key {
    "db".parse().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A directory in which only its owner can write.
fn private() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn start(provider: impl SecretsProvider + 'static, options: Options) -> (Watched, Subscription) {
    let watched = Watched::start(Arc::new(provider), &[key()], options).unwrap();
    let subscription = watched.subscribe();
    (watched, subscription)
}

/// Waits until the secret has this value, and returns the changes that led there.
fn until(watched: &Watched, subscription: &mut Subscription, expected: &str) -> Vec<ChangeKind> {
    let mut kinds = Vec::new();
    loop {
        let value = watched.value(&key()).unwrap();
        if value.secret.reveal() == expected && !value.is_stale {
            // What is seen in the value has been told, or is told at once.
            kinds.extend(subscription.next(Duration::ZERO).iter().map(|change| change.kind));
            return kinds;
        }
        let changes = subscription.next(PATIENCE);
        assert!(!changes.is_empty(), "{expected} does not come; {kinds:?}");
        kinds.extend(changes.iter().map(|change| change.kind));
    }
}

/// The next change, which makes the value stale.
fn goes_stale(watched: &Watched, subscription: &mut Subscription, kept: &str) {
    let changes = subscription.next(PATIENCE);
    assert_eq!(changes.iter().map(|change| change.kind).collect::<Vec<_>>(), [ChangeKind::Stale]);
    let value = watched.value(&key()).unwrap();
    assert_eq!((value.secret.reveal(), value.is_stale), (kept, true));
}

#[test]
fn a_rotation_is_heard() {
    for options in [BY_EVENTS, BY_POLLING] {
        let scratch = private();
        let path = scratch.path().join("secrets.json");
        let provider = FileProvider::new(path.clone(), Rules::default());
        provider.set(&key(), &secret("one")).unwrap();
        let (watched, mut subscription) = start(FileProvider::new(path, Rules::default()), options);
        assert_eq!(watched.value(&key()).unwrap().secret.reveal(), "one");
        provider.rotate(&key(), Step::Stage(&secret("two"))).unwrap();
        assert_eq!(subscription.next(Duration::from_millis(400)), [], "what is only staged is no change");
        provider.rotate(&key(), Step::Promote).unwrap();
        assert_eq!(until(&watched, &mut subscription, "two"), [ChangeKind::Changed]);
        provider.rotate(&key(), Step::RollBack).unwrap();
        assert_eq!(until(&watched, &mut subscription, "one"), [ChangeKind::Changed]);
        assert_eq!(watched.value(&key()).unwrap().generation, 2);
    }
}

/// As kubelet does it: files are links through `..data`, which is swapped by a rename, and the old directory removed.
#[test]
fn kubernetes_swaps_all_files_at_once() {
    for options in [BY_EVENTS, BY_POLLING] {
        let volume = private();
        let publish = |number: u32, text: &str| {
            let name = format!("..2026_11_25_{number}");
            let directory = volume.path().join(&name);
            fs::create_dir(&directory).unwrap();
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
            fs::write(directory.join("db"), text).unwrap();
            fs::set_permissions(directory.join("db"), fs::Permissions::from_mode(0o440)).unwrap();
            symlink(&name, volume.path().join("..data_tmp")).unwrap();
            fs::rename(volume.path().join("..data_tmp"), volume.path().join("..data")).unwrap();
            if number > 0 {
                fs::remove_dir_all(volume.path().join(format!("..2026_11_25_{}", number - 1))).unwrap();
            }
        };
        publish(0, "value 0");
        symlink("..data/db", volume.path().join("db")).unwrap();
        // The mount point of a volume in memory is open to all, and sticky.
        fs::set_permissions(volume.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let rules = Rules { allow_group: true };
        let provider = DirectoryProvider::new(volume.path().to_owned(), rules);
        assert_eq!(provider.list().unwrap().secrets.len(), 1);
        assert!(provider.set(&key(), &secret("x")).unwrap_err().to_string().contains("read-only"));
        let (watched, mut subscription) = start(provider, options);
        for number in 1..6 {
            let value = format!("value {number}");
            publish(number, &value);
            until(&watched, &mut subscription, &value);
        }
    }
}

#[test]
fn editors_replace_files_in_their_own_ways() {
    for options in [BY_EVENTS, BY_POLLING] {
        let scratch = private();
        let path = scratch.path().join("db");
        write(&path, "one");
        let (watched, mut subscription) =
            start(DirectoryProvider::new(scratch.path().to_owned(), Rules::default()), options);
        // In place: emptied first.
        write(&path, "two");
        until(&watched, &mut subscription, "two");
        // The old one is kept under another name, the new one written anew.
        fs::rename(&path, scratch.path().join("db~")).unwrap();
        write(&path, "three\n");
        until(&watched, &mut subscription, "three");
        // A new one is written beside it and renamed.
        write(&scratch.path().join(".db.swp"), "four\r\n");
        fs::rename(scratch.path().join(".db.swp"), &path).unwrap();
        until(&watched, &mut subscription, "four");
        // What does not change the value is no change.
        write(&path, "four");
        assert_eq!(subscription.next(Duration::from_millis(400)), []);
    }
}

#[test]
fn a_moment_of_absence_keeps_the_last_good_value() {
    let scratch = private();
    let path = scratch.path().join("db");
    write(&path, "one");
    let (watched, mut subscription) =
        start(DirectoryProvider::new(scratch.path().to_owned(), Rules::default()), BY_EVENTS);
    fs::remove_file(&path).unwrap();
    goes_stale(&watched, &mut subscription, "one");
    write(&path, "one");
    assert_eq!(until(&watched, &mut subscription, "one"), [ChangeKind::Recovered]);
    // Neither what others can read, nor nothing, nor half a character takes its place.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    goes_stale(&watched, &mut subscription, "one");
    write(&path, "one");
    until(&watched, &mut subscription, "one");
    write(&path, "");
    goes_stale(&watched, &mut subscription, "one");
    fs::write(&path, b"\xff").unwrap();
    assert_eq!(subscription.next(Duration::from_millis(400)), []);
    write(&path, "two");
    assert_eq!(until(&watched, &mut subscription, "two"), [ChangeKind::Changed]);
}

#[test]
fn a_directory_that_goes_and_comes_again_is_listened_to_again() {
    let scratch = private();
    let directory = scratch.path().join("mounted");
    let create = |text: &str| {
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        write(&directory.join("db"), text);
    };
    create("one");
    let (watched, mut subscription) =
        start(DirectoryProvider::new(directory.clone(), Rules::default()), BY_EVENTS);
    fs::remove_dir_all(&directory).unwrap();
    goes_stale(&watched, &mut subscription, "one");
    create("two");
    until(&watched, &mut subscription, "two");
    // By an event again: polling is an hour away.
    write(&directory.join("db"), "three");
    until(&watched, &mut subscription, "three");
}

#[test]
fn a_file_that_a_variable_names_is_watched_through_links() {
    let (here, there) = (private(), private());
    write(&there.path().join("password"), "one");
    symlink(there.path().join("password"), here.path().join("link")).unwrap();
    let variables = [("T_DB_FILE".into(), here.path().join("link").into_os_string())];
    let environment = EnvironmentProvider::new("T_", Rules::default(), variables);
    let chain = Chain::new(vec![Box::new(environment)]);
    let (watched, mut subscription) = start(chain, BY_EVENTS);
    write(&there.path().join("password"), "two");
    until(&watched, &mut subscription, "two");
    write(&here.path().join("new"), "three");
    fs::rename(here.path().join("new"), here.path().join("link")).unwrap();
    until(&watched, &mut subscription, "three");
}

#[test]
fn what_is_not_there_cannot_be_watched() {
    let scratch = private();
    let provider = DirectoryProvider::new(scratch.path().to_owned(), Rules::default());
    assert!(Watched::start(Arc::new(provider), &[key()], BY_EVENTS).is_err());
}

#[test]
fn whoever_stops_watching_does_not_wait() {
    let scratch = private();
    write(&scratch.path().join("db"), "one");
    let (watched, mut subscription) =
        start(DirectoryProvider::new(scratch.path().to_owned(), Rules::default()), BY_EVENTS);
    let began = std::time::Instant::now();
    drop(watched);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(subscription.next(Duration::from_millis(10)), []);
}
