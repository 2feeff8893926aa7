//! The backups in a directory: which there are, and which go.

mod lock;
mod prune;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::manifest::MANIFEST;
use super::{Error, Kind, Mark, files, mark, verify};

pub(super) use lock::Lock;
pub use prune::{Keep, Pruned, prune};

/// What a backup is called while it is being made, and while it is being removed.
const PARTIAL: &str = ".partial";
const REMOVING: &str = ".removing";

/// One backup of a directory.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The database that it was made of.
    pub database: String,
    /// When its snapshot was taken, in RFC 3339.
    pub taken_at: String,
    /// How long ago that is.
    pub age_seconds: u64,
    /// How many bytes its files have.
    pub bytes: u64,
    /// How many rows are in it.
    pub rows: u64,
    /// When it was last verified, and when it was last restored and proven.
    pub verified: Option<Mark>,
    /// What is wrong with it at first sight: a file is missing or has another size, or the note that it was verified is
    /// not believed.
    pub problems: Vec<String>,
    #[serde(skip)]
    path: PathBuf,
    #[serde(skip)]
    taken: SystemTime,
}

/// What is in a directory.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    /// The backups, newest first.
    pub backups: Vec<Entry>,
    /// What looks like a backup and cannot be read as one, and why.
    pub unreadable: Vec<Unreadable>,
}

/// What looks like a backup and cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The directory's name.
    pub name: String,
    /// Why not.
    pub reason: String,
}

impl Unreadable {
    /// Whether it is what an end in the middle of the work has left.
    pub fn is_unfinished(&self) -> bool {
        self.name.ends_with(PARTIAL) || self.name.ends_with(REMOVING)
    }
}

/// Where the newest full backup in a directory is.
pub fn latest(directory: &Path) -> Result<PathBuf, Error> {
    let Listing { backups, .. } = list(directory, SystemTime::now())?;
    let newest = backups.into_iter().find(|entry| entry.kind == Kind::Full);
    newest.map(|entry| entry.path).ok_or_else(|| Error::NoBackup(directory.to_owned()))
}

/// Where a backup is: a path, or a name in a directory.
pub fn locate(directory: &Path, name: &Path) -> PathBuf {
    if name.components().count() > 1 { name.to_owned() } else { directory.join(name) }
}

/// The backups in a directory, looked at from outside: no file is hashed.
pub fn list(directory: &Path, now: SystemTime) -> Result<Listing, Error> {
    let (mut backups, mut unreadable) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory).map_err(files::failed("read directory", directory))? {
        let entry = entry.map_err(files::failed("read directory", directory))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let reason = "it was not finished, or not removed to the end".to_owned();
        let unfinished = Unreadable { name, reason };
        let name = unfinished.name.clone();
        if unfinished.is_unfinished() {
            unreadable.push(unfinished);
        } else if path.join(MANIFEST).is_file() {
            match look_at(&path, &name, now) {
                Ok(entry) => backups.push(entry),
                Err(error) => unreadable.push(Unreadable { name, reason: with_cause(&error) }),
            }
        }
    }
    backups.sort_by(|a: &Entry, b| b.taken.cmp(&a.taken).then_with(|| a.name.cmp(&b.name)));
    unreadable.sort_by(|a: &Unreadable, b| a.name.cmp(&b.name));
    Ok(Listing { backups, unreadable })
}

fn with_cause(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn look_at(path: &Path, name: &str, now: SystemTime) -> Result<Entry, Error> {
    let opened = verify::manifest(path)?;
    let manifest = opened.content;
    let mut problems = Vec::new();
    if manifest.name != name {
        problems.push(format!("it was made under the name {}", manifest.name));
    }
    for file in &manifest.files {
        match fs::metadata(path.join(&file.path)) {
            Ok(metadata) if metadata.len() == file.size => {}
            Ok(_) => problems.push(format!("{} has another size", file.path)),
            Err(_) => problems.push(format!("{} cannot be looked at", file.path)),
        }
    }
    let verified = match mark::read(path, &opened.sha256) {
        Ok(verified) => verified,
        Err(finding) => {
            problems.push(finding.to_string());
            None
        }
    };
    // A time that cannot be read is in no manifest that we wrote: then it is as old as can be.
    let taken = humantime::parse_rfc3339(&manifest.snapshot.taken_at).unwrap_or(UNIX_EPOCH);
    Ok(Entry {
        name: name.to_owned(),
        kind: manifest.kind,
        bytes: manifest.size(),
        rows: manifest.rows(),
        database: manifest.database.name,
        taken_at: manifest.snapshot.taken_at,
        age_seconds: now.duration_since(taken).unwrap_or_default().as_secs(),
        verified,
        problems,
        path: path.to_owned(),
        taken,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_and_paths_taken() {
        let directory = Path::new("backups");
        assert_eq!(locate(directory, Path::new("x")), Path::new("backups/x"));
        assert_eq!(locate(directory, Path::new("./y/x")), Path::new("./y/x"));
    }
}
