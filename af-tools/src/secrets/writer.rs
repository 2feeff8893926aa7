//! Changing files so that nobody ever sees half a change: not a reader, not another writer, not whoever comes after a
//! crash.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{Error, Rules, guard};

/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// The right to change files in a directory; others wait until it is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    directory: PathBuf,
    /// How the names of unfinished files begin.
    prefix: String,
    _lock: File,
}

impl Writer {
    /// Creates the directory if it is not there, waits for its turn, and removes what a killed writer left behind.
    /// Writers exclude each other that give the same `name`.
    pub(super) fn begin(directory: &Path, name: &str) -> Result<Self, Error> {
        create_private(directory)?;
        // Stricter than for readers: whoever may create files here could put a link in the place of ours.
        guard::check_directory(directory, Rules::default())?;
        let lock = lock(&directory.join(format!(".{name}.lock")))?;
        let writer = Self { directory: directory.to_owned(), prefix: format!(".{name}.tmp-"), _lock: lock };
        writer.sweep()?;
        Ok(writer)
    }

    /// Puts a file with these bytes, which only its owner can read, in the place of another, or where there was none.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let failed = |source| Error::io(path, &source);
        let mut file = tempfile::Builder::new()
            .prefix(&self.prefix)
            .rand_bytes(12)
            .tempfile_in(&self.directory)
            .map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        self.sync(path)
    }

    /// Gives a file another name, on which there may be one already; says whether it was there.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<bool, Error> {
        match fs::rename(from, to) {
            Ok(()) => {
                self.sync(to)?;
                self.sync(from).map(|()| true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(to, &error)),
        }
    }

    /// Removes a file; says whether it was there.
    pub(super) fn remove(&self, path: &Path) -> Result<bool, Error> {
        match fs::remove_file(path) {
            Ok(()) => self.sync(path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(path, &error)),
        }
    }

    /// Makes a change of names outlast a crash, where the system can.
    fn sync(&self, path: &Path) -> Result<(), Error> {
        #[cfg(unix)]
        {
            let directory = path.parent().unwrap_or(&self.directory);
            let synced = File::open(directory).and_then(|directory| directory.sync_all());
            synced.map_err(|error| Error::io(directory, &error))?;
        }
        #[cfg(not(unix))]
        let _ = path;
        Ok(())
    }

    fn sweep(&self) -> Result<(), Error> {
        let failed = |error| Error::io(&self.directory, &error);
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(&self.prefix)) {
                self.remove(&self.directory.join(name))?;
            }
        }
        Ok(())
    }
}

/// Creates a directory that only its owner can use, and those above it, where they are not there.
pub(super) fn create_private(directory: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| Error::io(directory, &error))
}

fn lock(path: &Path) -> Result<File, Error> {
    let failed = |error: io::Error| Error::io(path, &error);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
    }
    let file = options.open(path).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::unavailable(path, "another process holds the lock, for more than 10 s"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}
