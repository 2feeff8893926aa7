//! pg_dump at work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::backup::follow::Follower;
use crate::backup::manifest::DUMP;
use crate::backup::member::Member;
use crate::backup::{Compression, Error, archive, files};
use crate::connection::{Host, Settings};
use crate::programs::{self, Running};
use crate::watch::Watch;

/// What pg_dump says of a method of compression that it was built without.
const UNSUPPORTED: &str = "does not support compression";

/// pg_dump, and where it leads.
pub(super) struct Dumper<'a> {
    program: PathBuf,
    pub(super) major: u32,
    settings: &'a Settings,
    host: &'a Host,
    jobs: u16,
}

/// A dump that is being written, and read.
pub(super) struct Dumping {
    running: Running,
    follower: Follower,
}

impl<'a> Dumper<'a> {
    pub(super) fn find(
        settings: &'a Settings,
        host: &'a Host,
        server_major: u32,
        jobs: u16,
    ) -> Result<Self, Error> {
        let program = programs::find("pg_dump", server_major)?;
        let major = programs::version(&program).unwrap_or(server_major);
        Ok(Self { program, major, settings, host, jobs })
    }

    /// Has it write a dump into the backup that is being made.
    pub(super) fn start(
        &self,
        arguments: &[String],
        compression: Compression,
        partial: &Path,
    ) -> Result<Dumping, Error> {
        let mut command = programs::command(&self.program, self.settings, self.host);
        // Its words are looked at when it has failed.
        command.env("LC_ALL", "C").args(["--format=directory", "--no-password"]).args(arguments);
        command.arg(format!("--jobs={}", self.jobs)).arg(compression.argument(self.major));
        command.arg("--file").arg(partial.join(DUMP));
        let running = Running::start(command)?;
        Ok(Dumping { running, follower: Follower::start(partial, self.jobs) })
    }

    /// Waits for it, and has it begin anew where it was built without the method of compression. Returns the one that was
    /// used, and what was read meanwhile.
    pub(super) fn finish(
        &self,
        dumping: Dumping,
        arguments: &[String],
        compression: Compression,
        partial: &Path,
        watch: &mut dyn Watch,
    ) -> Result<(Compression, BTreeMap<String, Member>), Error> {
        match dumping.finish(partial, watch) {
            Err(Error::Program(programs::Error::Failed { message, .. }))
                if message.contains(UNSUPPORTED) && compression != Compression::FALLBACK =>
            {
                let dump = partial.join(DUMP);
                if dump.exists() {
                    fs::remove_dir_all(&dump).map_err(files::failed("remove", &dump))?;
                }
                let again = self.start(arguments, Compression::FALLBACK, partial)?;
                Ok((Compression::FALLBACK, again.finish(partial, watch)?))
            }
            done => Ok((compression, done?)),
        }
    }
}

impl Dumping {
    /// Waits for pg_dump, and tells how far it is.
    fn finish(self, partial: &Path, watch: &mut dyn Watch) -> Result<BTreeMap<String, Member>, Error> {
        let dump = partial.join(DUMP);
        let mut told = 0;
        let done = self.running.wait(&mut || {
            let so_far = archive::size_so_far(&dump) >> 10;
            watch.advance(so_far.saturating_sub(told));
            told = told.max(so_far);
            watch.is_interrupted()
        })?;
        if done { self.follower.finish() } else { Err(Error::Interrupted) }
    }
}
