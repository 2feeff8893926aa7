//! The dump itself: made by pg_dump, read by pg_restore.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::copy_text::{Block, Reader, Step};
use super::{Error, files};
use crate::programs::{self, Running};
use crate::watch::{Unwatched, Watch};

/// How much text passes between two looks at the watch.
const STRIDE_BYTES: u64 = 1 << 20;
const BUFFER_BYTES: usize = 1 << 18;

/// An archive in pg_dump's directory format, and the pg_restore that reads it.
#[derive(Debug, Clone)]
pub(super) struct Archive {
    pub(super) path: PathBuf,
    pub(super) pg_restore: PathBuf,
}

impl Archive {
    /// The archive in a directory, written by a pg_dump of this major version.
    pub(super) fn new(path: PathBuf, pg_dump_major: u32) -> Result<Self, Error> {
        Ok(Self { path, pg_restore: programs::find("pg_restore", pg_dump_major)? })
    }

    /// The schema that the archive leads to, without what differs from run to run.
    pub(super) fn schema(&self) -> Result<String, Error> {
        let mut command = self.decoder();
        command.arg("--schema-only");
        Ok(programs::normalised_schema(&String::from_utf8_lossy(&programs::output(command)?)))
    }

    /// Which table's data each file holds, by the number in the file's name. pg_restore itself says so: it is given the list
    /// of contents, and files that hold nothing but their own number.
    pub(super) fn tables(&self) -> Result<BTreeMap<String, String>, Error> {
        let stubs =
            tempfile::tempdir().map_err(files::failed("create", Path::new("a temporary directory")))?;
        for entry in fs::read_dir(&self.path).map_err(files::failed("read directory", &self.path))? {
            let entry = entry.map_err(files::failed("read directory", &self.path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let done = if name.ends_with(".toc") || name == "toc.dat" {
                fs::copy(entry.path(), stubs.path().join(&name)).map(drop)
            } else {
                let number = name.split('.').next().unwrap_or_default();
                fs::write(stubs.path().join(format!("{number}.dat")), format!("{number}\n\\.\n"))
            };
            done.map_err(files::failed("write a file that stands for", &entry.path()))?;
        }
        let mut tables = BTreeMap::new();
        let stub = Self { path: stubs.path().to_owned(), ..self.clone() };
        stub.data(&mut Unwatched, &mut |block, step| {
            if let Step::Row(line) = step {
                let number = String::from_utf8_lossy(line).trim_end().to_owned();
                tables.insert(number, block.table.clone());
            }
            Ok(())
        })?;
        Ok(tables)
    }

    /// Decodes all data, and gives each block of it to `visit`. The archive is read to its end: one that was cut off has
    /// a list of contents all the same.
    pub(super) fn data(
        &self,
        watch: &mut dyn Watch,
        visit: &mut dyn FnMut(&Block, Step<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut command = self.decoder();
        command.arg("--data-only");
        let (running, stdout) = Running::start_piped(command)?;
        let mut input = BufReader::with_capacity(BUFFER_BYTES, stdout);
        let (mut reader, mut line, mut since) = (Reader::default(), Vec::new(), 0);
        loop {
            line.clear();
            let length = input.read_until(b'\n', &mut line).map_err(|source| Error::File {
                doing: "decode",
                path: self.path.clone(),
                source,
            })?;
            if length == 0 {
                break;
            }
            since += length as u64;
            if since >= STRIDE_BYTES {
                watch.advance(since >> 10);
                since = 0;
            }
            if watch.is_interrupted() {
                return Err(Error::Interrupted);
            }
            if let Some((block, step)) = reader.take(&line) {
                visit(block, step)?;
            }
        }
        drop(input);
        if !running.wait(&mut || watch.is_interrupted())? {
            return Err(Error::Interrupted);
        }
        if reader.is_inside() { Err(Error::Cut(self.path.clone())) } else { Ok(()) }
    }

    /// A command that writes the archive's SQL to standard output.
    fn decoder(&self) -> Command {
        let mut command = programs::offline(&self.pg_restore);
        command.arg("--file=-").arg(&self.path);
        command
    }
}

/// How many bytes are in the files of a directory right now.
pub(super) fn size_so_far(directory: &Path) -> u64 {
    let entries = directory.read_dir().into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
