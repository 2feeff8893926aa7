//! Several files of a backup, read by several threads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Error;
use super::member::{Depth, Member};
use crate::watch::Watch;

/// How often it is told how far the readers are.
const PATIENCE: Duration = Duration::from_millis(50);

/// Reads the files below `root` with these names and sizes, so many at a time. `watch` follows the work in kilobytes.
pub(super) fn read(
    root: &Path,
    mut files: Vec<(&str, u64)>,
    depth: Depth,
    jobs: u16,
    watch: &mut dyn Watch,
) -> Result<BTreeMap<String, Member>, Error> {
    // Whoever began with the largest one last would be waited for.
    files.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let (next, bytes, is_stopped) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let pace = |length| {
        bytes.fetch_add(length, Ordering::Relaxed);
        if is_stopped.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    };
    let (sender, receiver) = mpsc::channel();
    let mut members = BTreeMap::new();
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let sender = sender.clone();
            let (files, next, pace) = (&files, &next, &pace);
            scope.spawn(move || {
                while let Some((name, _)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let member = Member::read(&root.join(name), name, depth, pace, &|| false);
                    // Once nobody listens, the work has been given up.
                    if sender.send((*name, member)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut told = 0;
        let done = loop {
            if watch.is_interrupted() {
                break Err(Error::Interrupted);
            }
            let received = receiver.recv_timeout(PATIENCE);
            let so_far = bytes.load(Ordering::Relaxed) >> 10;
            watch.advance(so_far - told);
            told = so_far;
            match received {
                Ok((name, Ok(member))) => drop(members.insert(name.to_owned(), member)),
                Ok((_, Err(error))) => break Err(error),
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        is_stopped.store(true, Ordering::Relaxed);
        drop(receiver);
        done
    })?;
    Ok(members)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::watch::Unwatched;

    struct Impatient;

    impl Watch for Impatient {
        fn is_interrupted(&self) -> bool {
            true
        }
    }

    #[test]
    fn all_files_are_read_by_however_many() {
        let directory = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
        for name in &names {
            fs::write(directory.path().join(name), name).unwrap();
        }
        let files = || names.iter().map(|name| (name.as_str(), 2)).collect();
        let one = read(directory.path(), files(), Depth::Hash, 1, &mut Unwatched).unwrap();
        let many = read(directory.path(), files(), Depth::Hash, 7, &mut Unwatched).unwrap();
        assert_eq!((one.len(), &one), (20, &many));
        let with_missing = [files(), vec![("none", 0)]].concat();
        let failed = read(directory.path(), with_missing, Depth::Hash, 3, &mut Unwatched);
        assert!(matches!(failed, Err(Error::File { path, .. }) if path.ends_with("none")));
    }

    /// What has no end is read for ever, unless somebody is impatient.
    #[cfg(unix)]
    #[test]
    fn an_interrupt_ends_the_readers() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", directory.path().join("endless")).unwrap();
        let done = read(directory.path(), vec![("endless", 0)], Depth::Hash, 2, &mut Impatient);
        assert!(matches!(done, Err(Error::Interrupted)));
    }
}
