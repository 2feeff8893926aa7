//! The data of a dump, read while pg_dump still writes it, so that little is left to be read when it ends. It compresses on one
//! core what takes a tenth of one to decompress.
//!
//! pg_dump only appends to these files, and its last deed is to have them reach the disk. What is read here is what was written,
//! wherever it is by then; whatever is not as long in the end as it was here is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Error;
use super::files::failed;
use super::manifest::DUMP;
use super::member::{Depth, Member, is_decodable};

/// How long it takes until a new file is noticed.
const PATIENCE: Duration = Duration::from_millis(100);

type Members = BTreeMap<String, Member>;

/// Reads the files of a dump that is being written, in threads of its own, which end when it does.
pub(super) struct Follower {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<Members, Error>>>,
}

struct Shared {
    /// The backup that is being made.
    partial: PathBuf,
    /// The files that somebody has begun with.
    taken: Mutex<BTreeSet<String>>,
    /// Nothing more will be written.
    is_written: AtomicBool,
    /// Nobody wants to know any more.
    is_unwanted: AtomicBool,
}

impl Follower {
    /// Follows as many files at a time as pg_dump writes. It begins with the largest tables.
    pub(super) fn start(partial: &Path, jobs: u16) -> Self {
        let shared = Arc::new(Shared {
            partial: partial.to_owned(),
            taken: Mutex::default(),
            is_written: AtomicBool::new(false),
            is_unwanted: AtomicBool::new(false),
        });
        let follow = || {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.follow())
        };
        let threads = (0..jobs.max(1)).map(|_| follow()).collect();
        Self { shared, threads }
    }

    /// What was read, now that pg_dump has ended well. Some files may not have been begun with.
    pub(super) fn finish(mut self) -> Result<Members, Error> {
        self.shared.is_written.store(true, Ordering::Release);
        let mut members = BTreeMap::new();
        for thread in self.threads.drain(..) {
            members.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(members)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.is_unwanted.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // There is no dump, and why not is told elsewhere.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn follow(&self) -> Result<Members, Error> {
        let mut members = BTreeMap::new();
        let pace =
            |_| if self.is_unwanted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) };
        let may_grow = || !self.is_written.load(Ordering::Acquire);
        while may_grow() {
            pace(0)?;
            match self.take().map_err(failed("read directory", &self.partial))? {
                Some(name) => {
                    let path = self.partial.join(&name);
                    let member = Member::read(&path, &name, Depth::Decode, &pace, &may_grow)?;
                    members.insert(name, member);
                }
                None => thread::sleep(PATIENCE),
            }
        }
        Ok(members)
    }

    /// A file that nobody has begun with.
    fn take(&self) -> io::Result<Option<String>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = match fs::read_dir(self.partial.join(DUMP)) {
            // pg_dump has not come so far.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        for entry in entries {
            let name = format!("{DUMP}/{}", entry?.file_name().to_string_lossy());
            if is_decodable(&name) && taken.insert(name.clone()) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_bit_by_bit_is_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let follower = Follower::start(directory.path(), 2);
        let dump = directory.path().join(DUMP);
        fs::create_dir(&dump).unwrap();
        fs::write(dump.join("toc.dat"), "x").unwrap();
        let mut files = ["1.dat", "2.dat"].map(|name| File::create(dump.join(name)).unwrap());
        for _ in 0..30 {
            for file in &mut files {
                file.write_all(b"a row\nand an").unwrap();
                file.write_all(b"other\n").unwrap();
            }
            thread::sleep(Duration::from_millis(10));
        }
        files.iter_mut().for_each(|file| file.write_all(b"\\.\n\n\n").unwrap());
        let members = follower.finish().unwrap();
        assert_eq!(members.keys().collect::<Vec<_>>(), ["dump/1.dat", "dump/2.dat"]);
        let read =
            Member::read(&dump.join("1.dat"), "dump/1.dat", Depth::Decode, &|_| Ok(()), &|| false).unwrap();
        assert_eq!((members["dump/1.dat"].rows.clone(), &members["dump/2.dat"]), (Ok(Some(60)), &read));
    }

    #[test]
    fn it_ends_when_nobody_wants_to_know() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(DUMP)).unwrap();
        fs::write(directory.path().join(DUMP).join("1.dat"), "a row\n").unwrap();
        drop(Follower::start(directory.path(), 2));
    }
}
