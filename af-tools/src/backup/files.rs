//! The files of a backup: found, hashed, written so that they stay.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use af_core::digest::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Error;

/// One file of a backup as its manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path within the backup, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// For `map_err`: says what was being done with a file.
pub(super) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { doing, path, source }
}

/// All files below a directory, in the order of their paths, with their sizes. What is neither file nor directory, such
/// as a link that leads elsewhere, is refused.
pub(super) fn list(root: &Path) -> Result<Vec<(String, u64)>, Error> {
    let mut found = Vec::new();
    let mut pending = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = pending.pop() {
        for entry in fs::read_dir(&directory).map_err(failed("read directory", &directory))? {
            let entry = entry.map_err(failed("read directory", &directory))?;
            let name = entry.file_name().into_string().map_err(|_| Error::OddFile(entry.path()))?;
            let metadata = entry.metadata().map_err(failed("look at", &entry.path()))?;
            let path = format!("{prefix}{name}");
            if metadata.is_dir() {
                pending.push((entry.path(), format!("{path}/")));
            } else if metadata.is_file() {
                found.push((path, metadata.len()));
            } else {
                return Err(Error::OddFile(entry.path()));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a path of a manifest stays within the backup.
pub(super) fn is_confined(path: &str) -> bool {
    let mut components = Path::new(path).components().peekable();
    components.peek().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
        && !path.contains(['\\', '\0'])
}

/// The SHA-256 of a text, in hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    hexadecimal(Sha256::new_with_prefix(text))
}

pub(super) fn hexadecimal(sha256: Sha256) -> String {
    Digest::from(<[u8; 32]>::from(sha256.finalize())).to_string()
}

/// Writes a file that is whole or not there, and stays after a crash.
pub(super) fn write_at_once(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    crate::files::write_at_once(path, bytes).map_err(failed("write", path))
}

/// Writes a new file, and has it reach the disk.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(failed("write", path))
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Here it is the directory around it that says who may enter.
#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// A directory that is removed again unless it is kept.
pub(super) struct Unfinished(Option<PathBuf>);

impl Unfinished {
    /// Creates a directory that only its owner can enter: what is in it is everybody's data.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        create_private(&path)?;
        Ok(Self(Some(path)))
    }

    /// Gives it its name.
    pub(super) fn finish(mut self, path: &Path) -> Result<(), Error> {
        if let Some(unfinished) = &self.0 {
            fs::rename(unfinished, path).map_err(failed("rename the finished backup to", path))?;
        }
        self.0 = None;
        let parent = path.parent().unwrap_or(path);
        crate::files::sync_directory(parent).map_err(failed("synchronise directory", parent))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Something has failed already, and that is what is told; its name says that it is no backup.
            let _ = fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_within_the_backup_are_followed() {
        for confined in ["manifest.json", "dump/toc.dat", "a..b"] {
            assert!(is_confined(confined), "{confined}");
        }
        for leading_out in ["", "/etc/passwd", "../x", "dump/../../x", "./x", "dump\\..\\x", "x\0"] {
            assert!(!is_confined(leading_out), "{leading_out:?}");
        }
    }

    #[test]
    fn files_are_listed_and_hashed() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("dump")).unwrap();
        write_new(&directory.path().join("dump/a"), b"abc").unwrap();
        write_at_once(&directory.path().join("b"), b"").unwrap();
        assert_eq!(list(directory.path()).unwrap(), [("b".to_owned(), 0), ("dump/a".to_owned(), 3)]);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), abc);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_file_of_a_backup() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("a")).unwrap();
        assert!(matches!(list(directory.path()), Err(Error::OddFile(_))));
    }

    #[test]
    fn what_is_not_finished_goes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.partial");
        let unfinished = Unfinished::create(path.clone()).unwrap();
        assert!(Unfinished::create(path.clone()).is_err());
        drop(unfinished);
        assert!(!path.exists());
        let finished = directory.path().join("x");
        Unfinished::create(path.clone()).unwrap().finish(&finished).unwrap();
        assert!(finished.is_dir() && !path.exists());
    }
}
