//! Which backups stay and which go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::{Entry, Listing, Lock, REMOVING, Unreadable, list};
use crate::backup::{Error, Kind, Mark, files};

const DAY: Duration = Duration::from_secs(86_400);

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
    /// What runs that died have left behind, and is gone, or would be.
    pub abandoned: Vec<String>,
    /// Whether they are gone.
    pub is_done: bool,
    /// What cannot be read as a backup: it is left alone.
    pub unreadable: Vec<Unreadable>,
}

/// Removes the backups that need not be kept. Backups of different databases and kinds do not count for each other, and the
/// one that was last verified, and the one that was last restored and proven, stay in any case. What is not finished goes as
/// well, if nobody is at work in the directory.
pub fn prune(directory: &Path, keep: Keep, is_dry_run: bool) -> Result<Pruned, Error> {
    let (_lock, is_alone) = Lock::alone_if_possible(directory).map_err(files::failed("lock", directory))?;
    let Listing { backups, unreadable } = list(directory, SystemTime::now())?;
    let kept = kept(&backups, keep);
    let (kept, removed): (Vec<&Entry>, Vec<&Entry>) =
        backups.iter().partition(|entry| kept.contains(&entry.name));
    let (abandoned, unreadable): (Vec<Unreadable>, Vec<Unreadable>) =
        unreadable.into_iter().partition(|one| is_alone && one.is_unfinished());
    let abandoned: Vec<String> = abandoned.into_iter().map(|one| one.name).collect();
    if !is_dry_run {
        for entry in &removed {
            // Under its own name it would be a backup with files missing until the last one is gone.
            let removing = directory.join(format!("{}{REMOVING}", entry.name));
            fs::rename(&entry.path, &removing).map_err(files::failed("rename", &entry.path))?;
            remove(&removing)?;
        }
        abandoned.iter().try_for_each(|name| remove(&directory.join(name)))?;
    }
    let names = |entries: Vec<&Entry>| entries.into_iter().map(|entry| entry.name.clone()).collect();
    Ok(Pruned { kept: names(kept), removed: names(removed), abandoned, is_done: !is_dry_run, unreadable })
}

fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_dir_all(path).map_err(files::failed("remove", path))
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
        let mut keep_last = |is_proven: &dyn Fn(&Mark) -> bool| {
            let proven = group.iter().filter(|entry| entry.verified.as_ref().is_some_and(is_proven));
            let relied_on = proven.filter(|entry| entry.problems.is_empty());
            kept.extend(relied_on.max_by_key(|entry| entry.taken).map(|entry| entry.name.clone()));
        };
        keep_last(&|_| true);
        keep_last(&|mark| mark.restored_at.is_some());
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
    use std::path::PathBuf;

    use super::*;

    fn entry(taken_at: &str, kind: Kind, is_verified: bool) -> Entry {
        let mark =
            Mark { manifest_sha256: String::new(), verified_at: taken_at.to_owned(), restored_at: None };
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
        entries[2].problems.clear();
        if let Some(mark) = &mut entries[3].verified {
            mark.restored_at = Some(mark.verified_at.clone());
        }
        assert_eq!(left(&entries), [0, 1, 2, 3], "so does the last one that was restored");
    }
}
