//! A backup that is made, verified, restored and proven, beside pg_dump and pg_restore alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use af_tests::database::{connect, settings};
use af_tests::tools;
use af_tools::connection::Settings;
use af_tools::programs;
use af_tools::throwaway::Server;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::Error;
use crate::content::MESSAGES;
use crate::context::{Context, Ledger};
use crate::figure::{Baseline, Figure, Point, Ratio, Sample, Target};
use crate::number::count;
use crate::rounds::Candidate;

const DATABASE: &str = "backup";
/// What the database is restored into.
const RESTORED: &str = "backup_restored";
const TENANTS: i32 = 100;
/// On both sides: tables dumped, and sessions that restore, at a time; and on ours, files read.
const JOBS: &str = "2";
const COMPRESSION: &str = "gzip:6";

const PLAIN: &str = "pg_dump and pg_restore";
const OURS: &str = "create, verify and restore, with drill";
const UNVERIFIED: &str = "create and restore, with drill";
/// The chains are verified by af-tools, not by the server.
const OUTSIDE: &str = "the same, chains verified from outside";

const WHOLE: &str = "in all";
const PLAIN_PARTS: &str = "of that, PostgreSQL alone";
const PARTS: &str = "of that, af-tools backup";
const STEPS: &str = "of that, backup restore";
const CHECKS: &str = "of that, the drill";

/// What is measured, and what each of its parts took.
struct Subject<'a> {
    server: &'a Server,
    ledger: Ledger,
    /// Where backups are made, on the disk of the server's own.
    directory: TempDir,
    rows: u64,
    parts: Vec<Point>,
}

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let (entries, messages) = (context.scale.entries, context.scale.rows);
    let mut ledger = context.ledger(DATABASE, TENANTS)?;
    ledger.fill("audits", entries, TENANTS)?;
    let tenant: Uuid = ledger.client.query_one("SELECT id FROM tenants ORDER BY name LIMIT 1", &[])?.get(0);
    ledger.client.execute(&format!("INSERT INTO messages {MESSAGES}"), &[&messages, &tenant])?;
    ledger.settle(&["messages"])?;

    let rounds = context.rounds();
    let repetitions = usize::try_from(rounds.count)?;
    let mut subject = Subject {
        server: &context.server,
        ledger,
        directory: tempfile::tempdir()?,
        rows: u64::try_from(entries)? + u64::try_from(messages)? + u64::try_from(TENANTS)?,
        parts: Vec::new(),
    };
    let candidates = vec![
        Candidate::new(PLAIN, Subject::plain).within(WHOLE),
        Candidate::new(OURS, |subject: &mut Subject<'_>| subject.ours(&[])).within(WHOLE),
        Candidate::new(OUTSIDE, Subject::outside).within(WHOLE),
    ];
    let mut points = rounds.interleave(&mut subject, candidates)?;
    let Subject { ledger, mut parts, .. } = subject;
    context.drop_ledger(ledger, DATABASE)?;
    for part in &mut parts {
        // The round that warmed up measured the parts, too.
        part.samples.drain(..part.samples.len().saturating_sub(repetitions));
    }
    points.extend(parts);

    let title =
        format!("Backup of {} entries of {TENANTS} tenants and {} messages", count(entries), count(messages));
    let mut figure = Figure::new("backup", title, "row", points);
    figure.shows_total = true;
    figure.baseline = Some(Baseline { label: PLAIN.to_owned(), by: Ratio::Time });
    figure.targets = [OURS, UNVERIFIED]
        .map(|of| Target {
            group: Some(WHOLE.to_owned()),
            of: of.to_owned(),
            to: PLAIN.to_owned(),
            by: Ratio::Time,
            wanted: 1.25,
        })
        .to_vec();
    figure.notes.push(format!(
        "Both sides dump and restore with {JOBS} jobs and {COMPRESSION}, into a new database; PostgreSQL alone checks nothing, \
         and leaves the restored database without statistics (ANALYZE)."
    ));
    Ok(vec![figure])
}

impl Subject<'_> {
    fn plain(&mut self) -> Result<Sample, Error> {
        let target = self.clean()?.join("plain");
        let settings = settings(&self.ledger.url);
        let major = self.major()?;
        let dump = self.timed(PLAIN_PARTS, "pg_dump", || {
            let mut command = postgresql("pg_dump", major, &settings)?;
            let level = COMPRESSION.trim_start_matches("gzip:");
            command.args(["--format=directory", "--jobs", JOBS, "--compress", level, "--file"]).arg(&target);
            Ok(programs::output(command).map(drop)?)
        })?;
        let server = self.server;
        let restore = self.timed(PLAIN_PARTS, "pg_restore, into a new database", || {
            server.create_database(RESTORED)?;
            let mut command = postgresql("pg_restore", major, &settings)?;
            command.args(["--exit-on-error", "--jobs", JOBS, "--dbname", RESTORED]).arg(&target);
            Ok(programs::output(command).map(drop)?)
        })?;
        Ok(Sample::new(self.rows, dump + restore))
    }

    /// Only in all: the parts that are shown are those of the other way.
    fn outside(&mut self) -> Result<Sample, Error> {
        let parts = std::mem::take(&mut self.parts);
        let sample = self.ours(&["--outside"]);
        self.parts = parts;
        sample
    }

    fn ours(&mut self, more: &[&str]) -> Result<Sample, Error> {
        let out = self.clean()?;
        let out = out.to_str().ok_or("a path that is not in UTF-8")?.to_owned();
        let create = ["create", "--out", &out, "--jobs", JOBS, "--compress", COMPRESSION];
        let (created, create) = self.run("backup create", &create)?;
        let backup = created["path"].as_str().ok_or("af-tools does not say where the backup is")?.to_owned();
        let (_, verify) = self.run("backup verify", &["verify", &backup, "--jobs", JOBS])?;
        let restore = ["restore", &backup, "--into", RESTORED, "--jobs", JOBS];
        let (receipt, restore) = self.run("backup restore", &[&restore, more].concat())?;
        for (group, list) in [(STEPS, "steps"), (CHECKS, "checks")] {
            for step in receipt[list].as_array().into_iter().flatten() {
                let name = step["name"].as_str().ok_or("a step has no name")?;
                let seconds = step["seconds"].as_f64().ok_or("a step does not say how long it took")?;
                self.note(group, name, seconds);
            }
        }
        self.note(WHOLE, UNVERIFIED, create + restore);
        Ok(Sample::new(self.rows, create + verify + restore))
    }

    /// Runs `af-tools backup`, and returns what it says and how long it took, with its start.
    fn run(&mut self, part: &str, arguments: &[&str]) -> Result<(Value, f64), Error> {
        let url = self.ledger.url.clone();
        let mut result = Value::Null;
        let seconds = self.timed(PARTS, part, || {
            let run = tools::run(&[&["--url", &url, "--json", "backup"], arguments].concat());
            if run.code != Some(0) {
                return Err(format!("it failed: {run:?}").into());
            }
            result = run.json()["result"].take();
            Ok(())
        })?;
        Ok((result, seconds))
    }

    fn timed(
        &mut self,
        group: &str,
        label: &str,
        work: impl FnOnce() -> Result<(), Error>,
    ) -> Result<f64, Error> {
        let begun = Instant::now();
        work()?;
        let seconds = begun.elapsed().as_secs_f64();
        self.note(group, label, seconds);
        Ok(seconds)
    }

    fn note(&mut self, group: &str, label: &str, seconds: f64) {
        let sample = Sample::new(self.rows, seconds);
        let is_it = |part: &&mut Point| part.group.as_deref() == Some(group) && part.label == label;
        match self.parts.iter_mut().find(is_it) {
            Some(part) => part.samples.push(sample),
            None => self.parts.push(Point {
                label: label.to_owned(),
                group: Some(group.to_owned()),
                x: None,
                samples: vec![sample],
            }),
        }
    }

    /// An empty directory, and a server that has nothing left to do of the measurement before.
    fn clean(&mut self) -> Result<PathBuf, Error> {
        let mut client = connect(&self.server.url("postgres"));
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {RESTORED} WITH (FORCE)"))?;
        client.batch_execute("CHECKPOINT")?;
        let path = self.directory.path().join("backups");
        remove(&path)?;
        fs::create_dir(&path)?;
        Ok(path)
    }

    fn major(&mut self) -> Result<u32, Error> {
        let number: i32 = self
            .ledger
            .client
            .query_one("SELECT current_setting('server_version_num')::int / 10000", &[])?
            .get(0);
        Ok(u32::try_from(number)?)
    }
}

fn postgresql(program: &'static str, major: u32, settings: &Settings) -> Result<Command, Error> {
    let host = settings.hosts.first().ok_or("a URL without a host")?;
    Ok(programs::command(&programs::find(program, major)?, settings, host))
}

fn remove(path: &Path) -> Result<(), Error> {
    if path.exists() {
        fs::remove_dir_all(path)?;
    }
    Ok(())
}
