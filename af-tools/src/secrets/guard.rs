//! Who else could read a file or replace it: asked of what was opened, not of a path that may lead elsewhere by then.

#[cfg(not(unix))]
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Error;

#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub(super) use unix::{check_directory, open};

/// What is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Files that their group may read, and directories where others may create files but not replace ours (sticky):
    /// that is how Kubernetes mounts a volume.
    pub allow_group: bool,
}

/// All that a file holds, or `None` if it is not there.
pub(super) fn read(
    path: &Path,
    rules: Rules,
    longest_bytes: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let Some(file) = open(path, rules)? else { return Ok(None) };
    let failed = |source| Error::io(path, &source);
    let length = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
    // With room for all of it from the start: a buffer that grows leaves copies behind, which nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(longest_bytes) + 1));
    let limit = bytes.capacity() as u64;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() {
        read if read > longest_bytes => Err(Error::unavailable(path, "it is too large")),
        read if read > length => Err(Error::unavailable(path, "it grew while it was read")),
        _ => Ok(Some(bytes)),
    }
}

/// Where something happens when a file changes: its directory, and the one that a link in its place leads to.
pub(super) fn directories_of(path: &Path) -> Vec<PathBuf> {
    let real = std::fs::canonicalize(path).ok();
    let mut directories: Vec<PathBuf> =
        [Some(path), real.as_deref()].into_iter().flatten().map(|path| parent(path).to_owned()).collect();
    directories.dedup();
    directories
}

/// The directory that a path is in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a file. Who else has access to it is not checked here, and that is said once.
#[cfg(not(unix))]
pub(super) fn open(path: &Path, _: Rules) -> Result<Option<File>, Error> {
    warn_unchecked();
    match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => Ok(Some(file)),
        Ok(_) => Err(Error::unavailable(path, "it is not a plain file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, &error)),
    }
}

/// Whether it is a directory. Who else may write to it is not checked here, and that is said once.
#[cfg(not(unix))]
pub(super) fn check_directory(path: &Path, _: Rules) -> Result<bool, Error> {
    warn_unchecked();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(Error::unavailable(path, "it is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io(path, &error)),
    }
}

#[cfg(not(unix))]
fn warn_unchecked() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "on this system it is not checked who else can read or replace the files of secrets: keep them where \
             only their owner has access"
        );
    });
}
