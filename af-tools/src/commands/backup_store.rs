//! `af-tools backup list`, `prune` and `check`.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Context, Failure};
use crate::backup::store::{self, Entry, Listing, Pruned, Unreadable};
use crate::backup::{Kind, Mark};
use crate::cli::backup::{CheckArgs, ListArgs, PruneArgs};
use crate::exit::Exit;
use crate::output::{ErrorReport, Report, Table, Verbosity, counted, grouped};

/// The backups in a directory.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct BackupListReport(Listing);

impl Report for BackupListReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let mut table = Table::new(&[
            "name",
            "kind",
            ">age",
            ">bytes",
            ">rows",
            "last verified",
            "last restored",
            "problem",
        ]);
        for entry in &self.0.backups {
            let mark = entry.verified.as_ref();
            let verified = mark.map(|mark| mark.verified_at.clone());
            let restored = mark.and_then(|mark| mark.restored_at.clone());
            table.row([
                entry.name.clone(),
                entry.kind.as_str().to_owned(),
                age(entry.age_seconds),
                grouped(entry.bytes),
                grouped(entry.rows),
                verified.unwrap_or_else(|| "never".to_owned()),
                restored.unwrap_or_else(|| "never".to_owned()),
                entry.problems.first().cloned().unwrap_or_default(),
            ]);
        }
        if self.0.backups.is_empty() {
            writeln!(out, "no backups")?;
        } else {
            table.write(out)?;
        }
        write_unreadable(&self.0.unreadable, out)
    }
}

fn write_unreadable(unreadable: &[Unreadable], out: &mut dyn Write) -> io::Result<()> {
    unreadable.iter().try_for_each(|one| writeln!(out, "not a backup: {}: {}", one.name, one.reason))
}

/// An age for people, to the minute or, below that, the second.
fn age(seconds: u64) -> String {
    let seconds = if seconds < 60 { seconds } else { seconds / 60 * 60 };
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

/// What pruning came to.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct BackupPruneReport(Pruned);

impl Report for BackupPruneReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let Pruned { kept, removed, abandoned, is_done, unreadable } = &self.0;
        let verb = if *is_done { "removed" } else { "would remove" };
        removed.iter().try_for_each(|name| writeln!(out, "{verb} {name}"))?;
        abandoned.iter().try_for_each(|name| writeln!(out, "{verb} {name}, which nobody is at work on"))?;
        write_unreadable(unreadable, out)?;
        let count = |names: &[String]| counted(names.len() as u64, "backup", "backups");
        writeln!(out, "{verb} {}; {} left", count(removed), count(kept))
    }
}

/// Whether the newest backups are new enough.
#[derive(Debug, Serialize)]
pub struct BackupCheckReport {
    /// The newest backup of each database.
    pub newest: Vec<Entry>,
    /// What is not as it should be.
    pub findings: Vec<String>,
}

impl Report for BackupCheckReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        for entry in &self.newest {
            writeln!(out, "{}: {} is {} old", entry.database, entry.name, age(entry.age_seconds))?;
        }
        self.findings.iter().try_for_each(|finding| writeln!(out, "{finding}"))
    }
}

pub(super) fn list(args: &ListArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let listing = store::list(&args.directory.dir, SystemTime::now())?;
    context.report(Exit::DONE, &BackupListReport(listing), None)
}

pub(super) fn prune(args: &PruneArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let pruned = store::prune(&args.directory.dir, args.keep.keep(), args.dry_run)?;
    context.report(Exit::DONE, &BackupPruneReport(pruned), None)
}

pub(super) fn check(args: &CheckArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let listing = store::list(&args.directory.dir, SystemTime::now())?;
    let report = judge(listing, args, SystemTime::now());
    let error = |message, hint: &str| Some(ErrorReport { message, hint: Some(hint.to_owned()) });
    let (exit, error) = if report.newest.is_empty() {
        let message = format!("check: there is no such backup in {}", args.directory.dir.display());
        (
            Exit::NOT_PROVABLE,
            error(message, "--dir DIR says where backups are; `af-tools backup create` makes one."),
        )
    } else if let Some(first) = report.findings.first() {
        let hint = "`af-tools backup list` shows them all; `af-tools backup verify --latest --deep` restores and proves the newest.";
        (Exit::FINDING, error(format!("check: {first}"), hint))
    } else {
        (Exit::DONE, None)
    };
    context.report(exit, &report, error.as_ref())
}

fn judge(listing: Listing, args: &CheckArgs, now: SystemTime) -> BackupCheckReport {
    let mut findings: Vec<String> = listing
        .unreadable
        .iter()
        .filter(|one| !one.is_unfinished())
        .map(|one| format!("{}: {}", one.name, one.reason))
        .collect();
    let kind: Kind = args.kind.into();
    let of_kind: Vec<Entry> = listing.backups.into_iter().filter(|entry| entry.kind == kind).collect();
    let mut newest: Vec<Entry> = Vec::new();
    for entry in &of_kind {
        if !newest.iter().any(|known| known.database == entry.database) {
            newest.push(entry.clone());
        }
    }
    for entry in &newest {
        if entry.age_seconds > args.max_age.as_secs() {
            findings.push(format!(
                "the newest backup of {}, {}, is {} old",
                entry.database,
                entry.name,
                age(entry.age_seconds)
            ));
        }
        findings.extend(entry.problems.iter().map(|problem| format!("{}: {problem}", entry.name)));
        let relied_on =
            of_kind.iter().filter(|other| other.database == entry.database && other.problems.is_empty());
        let marks: Vec<&Mark> = relied_on.filter_map(|other| other.verified.as_ref()).collect();
        let verified = marks.iter().map(|mark| &mark.verified_at);
        let restored = marks.iter().filter_map(|mark| mark.restored_at.as_ref());
        findings.extend(
            too_old(verified, args.verified_within, now)
                .map(|when| format!("the last verification of a backup of {}: {when}", entry.database)),
        );
        findings.extend(
            too_old(restored, args.restored_within, now)
                .map(|when| format!("the last proven restore of a backup of {}: {when}", entry.database)),
        );
    }
    BackupCheckReport { newest, findings }
}

/// The last of some times, if that is not as recent as is wanted.
fn too_old<'a>(
    times: impl Iterator<Item = &'a String>,
    within: Option<Duration>,
    now: SystemTime,
) -> Option<String> {
    let within = within?;
    let last = times.filter_map(|time| humantime::parse_rfc3339(time).ok()).max();
    if last.is_some_and(|at| now.duration_since(at).unwrap_or_default() <= within) {
        return None;
    }
    Some(last.map_or_else(|| "never".to_owned(), |at| humantime::format_rfc3339_seconds(at).to_string()))
}
