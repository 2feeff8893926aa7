//! Who is at work in a directory with backups. Whoever makes or removes one holds a lock that dies with its process, so that
//! what is not finished while nobody holds it will never be.

use std::fs::File;
use std::io;
use std::path::Path;

/// A lock on a directory, as long as it lives. The directory itself is what is locked: nothing is left in it.
#[derive(Debug)]
pub(in crate::backup) struct Lock {
    _directory: Option<File>,
}

impl Lock {
    /// Shares the directory with others at work. Whoever is alone in it is waited for.
    #[cfg(unix)]
    pub(in crate::backup) fn shared(directory: &Path) -> io::Result<Self> {
        let file = File::open(directory)?;
        match file.lock_shared() {
            Ok(()) => Ok(Self { _directory: Some(file) }),
            // On a file system without locks, nobody can find that nobody is at work.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Self { _directory: None }),
            Err(error) => Err(error),
        }
    }

    /// Keeps others out if nobody is at work, and otherwise shares the directory with them. Says which of the two.
    #[cfg(unix)]
    pub(super) fn alone_if_possible(directory: &Path) -> io::Result<(Self, bool)> {
        let file = File::open(directory)?;
        match file.try_lock() {
            Ok(()) => Ok((Self { _directory: Some(file) }, true)),
            Err(_) => Ok((Self::shared(directory)?, false)),
        }
    }

    /// Elsewhere a directory cannot be locked.
    #[cfg(not(unix))]
    pub(in crate::backup) fn shared(_: &Path) -> io::Result<Self> {
        Ok(Self { _directory: None })
    }

    /// Elsewhere it cannot be known whether somebody is at work.
    #[cfg(not(unix))]
    pub(super) fn alone_if_possible(_: &Path) -> io::Result<(Self, bool)> {
        Ok((Self { _directory: None }, false))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_at_work_is_not_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let (alone, is_alone) = Lock::alone_if_possible(path).unwrap();
        assert!(is_alone);
        drop(alone);
        let (one, other) = (Lock::shared(path).unwrap(), Lock::shared(path).unwrap());
        drop(other);
        assert!(!Lock::alone_if_possible(path).unwrap().1);
        drop(one);
        assert!(Lock::alone_if_possible(path).unwrap().1);
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }
}
