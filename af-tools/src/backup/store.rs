//! The backups in a directory: which there are, which go, and whether the newest is new enough.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::manifest::MANIFEST;
use super::{Error, Kind, Mark, files, mark, verify};

const DAY: Duration = Duration::from_secs(86_400);
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
    /// When it was last verified, and how far.
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

/// Which backups stay: the newest of each of the last so many periods in which there is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// The last so many.
    pub last: usize,
    /// Of so many days.
    pub daily: usize,
    /// Of so many weeks, beginning on Monday.
    pub weekly: usize,
    /// Of so many months.
    pub monthly: usize,
}

/// What pruning came to.
#[derive(Debug, Clone, Serialize)]
pub struct Pruned {
    /// Those that stay.
    pub kept: Vec<String>,
    /// Those that are gone, or would be.
    pub removed: Vec<String>,
    /// Whether they are gone.
    pub is_done: bool,
    /// What cannot be read as a backup: it is left alone.
    pub unreadable: Vec<Unreadable>,
}

/// Removes the backups that need not be kept. Backups of different databases and kinds do not count for each other, and the
/// one that was last verified stays in any case.
pub fn prune(directory: &Path, keep: Keep, is_dry_run: bool) -> Result<Pruned, Error> {
    let Listing { backups, unreadable } = list(directory, SystemTime::now())?;
    let kept = kept(&backups, keep);
    let (kept, removed): (Vec<&Entry>, Vec<&Entry>) =
        backups.iter().partition(|entry| kept.contains(&entry.name));
    if !is_dry_run {
        for entry in &removed {
            // Under its own name it would be a backup with files missing until the last one is gone.
            let removing = directory.join(format!("{}{REMOVING}", entry.name));
            fs::rename(&entry.path, &removing).map_err(files::failed("rename", &entry.path))?;
            fs::remove_dir_all(&removing).map_err(files::failed("remove", &removing))?;
        }
    }
    let names = |entries: Vec<&Entry>| entries.into_iter().map(|entry| entry.name.clone()).collect();
    Ok(Pruned { kept: names(kept), removed: names(removed), is_done: !is_dry_run, unreadable })
}

/// The names of those that stay. `entries` are sorted, newest first.
fn kept(entries: &[Entry], keep: Keep) -> BTreeSet<String> {
    let mut groups: BTreeMap<(&str, Kind), Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        groups.entry((&entry.database, entry.kind)).or_default().push(entry);
    }
    let mut kept = BTreeSet::new();
    for group in groups.values() {
        let mut keep_by = |count: usize, period: &dyn Fn(&Entry) -> String| {
            let mut seen = BTreeSet::new();
            for entry in group {
                if seen.len() < count && seen.insert(period(entry)) {
                    kept.insert(entry.name.clone());
                }
            }
        };
        keep_by(keep.last, &|entry| entry.name.clone());
        keep_by(keep.daily, &|entry| date(entry.taken, "YYYY-MM-DD".len()));
        keep_by(keep.weekly, &|entry| week(entry.taken));
        keep_by(keep.monthly, &|entry| date(entry.taken, "YYYY-MM".len()));
        let verified = group.iter().filter(|entry| entry.verified.is_some() && entry.problems.is_empty());
        kept.extend(verified.max_by_key(|entry| entry.taken).map(|entry| entry.name.clone()));
    }
    kept
}

/// The first characters of the date, in UTC.
fn date(time: SystemTime, length: usize) -> String {
    humantime::format_rfc3339_seconds(time).to_string().chars().take(length).collect()
}

/// The number of the week, counted from 1970.
fn week(time: SystemTime) -> String {
    // 1970 began on a Thursday.
    let days = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY.as_secs() + 3;
    (days / 7).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Level;

    fn entry(taken_at: &str, kind: Kind, is_verified: bool) -> Entry {
        let mark = Mark { manifest_sha256: String::new(), at: taken_at.to_owned(), level: Level::Decoded };
        Entry {
            name: format!("{taken_at} {}", kind.as_str()),
            kind,
            database: "ledger".to_owned(),
            taken_at: taken_at.to_owned(),
            age_seconds: 0,
            bytes: 0,
            rows: 0,
            verified: is_verified.then_some(mark),
            problems: Vec::new(),
            path: PathBuf::new(),
            taken: humantime::parse_rfc3339(taken_at).unwrap(),
        }
    }

    #[test]
    fn the_newest_of_each_period_stay() {
        // 2026-11-23 is a Monday.
        let times = [
            "2026-11-25T18:00:00Z",
            "2026-11-25T06:00:00Z",
            "2026-11-24T06:00:00Z",
            "2026-11-22T06:00:00Z",
            "2026-10-31T06:00:00Z",
        ];
        let entries: Vec<Entry> = times.iter().map(|time| entry(time, Kind::Full, false)).collect();
        let left = |keep: Keep| -> Vec<usize> {
            let kept = kept(&entries, keep);
            (0..entries.len()).filter(|index| kept.contains(&entries[*index].name)).collect()
        };
        let none = Keep::default();
        assert_eq!(left(none), [0; 0]);
        assert_eq!(left(Keep { last: 2, ..none }), [0, 1]);
        assert_eq!(left(Keep { daily: 2, ..none }), [0, 2]);
        assert_eq!(left(Keep { weekly: 2, ..none }), [0, 3]);
        assert_eq!(left(Keep { monthly: 5, ..none }), [0, 4]);
        assert_eq!(left(Keep { last: 2, daily: 2, ..none }), [0, 1, 2]);
    }

    #[test]
    fn the_last_verified_one_stays_and_kinds_do_not_count_for_each_other() {
        let entries = [
            entry("2026-11-25T18:00:00Z", Kind::Full, false),
            entry("2026-11-25T17:00:00Z", Kind::Critical, false),
            entry("2026-11-24T06:00:00Z", Kind::Full, true),
            entry("2026-11-23T06:00:00Z", Kind::Full, true),
        ];
        let left = |entries: &[Entry]| -> Vec<usize> {
            let kept = kept(entries, Keep { last: 1, ..Keep::default() });
            (0..entries.len()).filter(|index| kept.contains(&entries[*index].name)).collect()
        };
        assert_eq!(left(&entries), [0, 1, 2]);
        let mut entries = entries;
        entries[2].problems.push("a file is missing".to_owned());
        assert_eq!(left(&entries), [0, 1, 3], "one with problems is not relied on");
    }

    #[test]
    fn names_are_looked_up_and_paths_taken() {
        let directory = Path::new("backups");
        assert_eq!(locate(directory, Path::new("x")), Path::new("backups/x"));
        assert_eq!(locate(directory, Path::new("./y/x")), Path::new("./y/x"));
    }
}
