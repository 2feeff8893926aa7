//! `af-tools migrate test`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Context, Failure};
use crate::cli::migrate::TestArgs;
use crate::exit::Exit;
use crate::migrate::{self, EXPECTED, Finding, Migrations, RoundTrip, Source, Stage};
use crate::output::{ErrorReport, Report, Verbosity, counted};

/// What the way up and down came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundTripReport {
    /// The way.
    #[serde(flatten)]
    pub trip: RoundTrip,
    /// Where the schema was written to: nowhere when something was found.
    pub written: Option<PathBuf>,
}

impl Report for RoundTripReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let RoundTrip { server, applied, reverted, untried, is_compared, findings, .. } = &self.trip;
        for Finding { version, stage, diff, error } in findings {
            let way = match stage {
                Stage::Up | Stage::Expected => "up to",
                Stage::Down => "down from",
                Stage::UpAgain => "down and up again to",
            };
            match (diff, error) {
                (_, Some(error)) => writeln!(out, "{way} {version}: {error}")?,
                (diff, None) => {
                    let whose =
                        if *stage == Stage::Expected { "expected one" } else { "one that was there before" };
                    writeln!(out, "{way} {version}: the schema is not the {whose}:")?;
                    writeln!(out, "{}", diff.as_deref().unwrap_or_default())?;
                }
            }
        }
        let count = |versions: &[i64]| counted(versions.len() as u64, "migration", "migrations");
        writeln!(out, "PostgreSQL {server}: {} up, {} down and up again", count(applied), count(reverted))?;
        if !untried.is_empty() {
            let untried: Vec<String> = untried.iter().map(i64::to_string).collect();
            writeln!(out, "not tried down and up again: {}", untried.join(", "))?;
        }
        match &self.written {
            Some(path) => writeln!(out, "the schema is in {}", path.display()),
            None if !is_compared => writeln!(out, "the schema all the way up was not compared with any"),
            None if findings.iter().any(|finding| finding.stage == Stage::Expected) => Ok(()),
            None => writeln!(out, "the schema all the way up is the expected one"),
        }
    }
}

pub(super) fn run(args: &TestArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let source = args.source.source();
    let migrations = Migrations::read(&source)?;
    let expected = match (&args.expect, &args.write, source) {
        (Some(path), _, _) => {
            Some(fs::read_to_string(path).map_err(|error| file_failed("read", path, error))?)
        }
        (None, None, Source::Embedded) => Some(EXPECTED.to_owned()),
        _ => None,
    };
    let settings = context.settings()?;
    let mut narrator = context.narrator();
    let trip = migrate::round_trip(&settings, &migrations, expected.as_deref(), &mut narrator)?;
    let written = args.write.clone().filter(|_| trip.findings.is_empty());
    if let Some(path) = &written {
        fs::write(path, trip.file()).map_err(|error| file_failed("write", path, error))?;
    }
    let (exit, error) = judge(&trip);
    context.report(exit, &RoundTripReport { trip, written }, error.as_ref())
}

fn judge(trip: &RoundTrip) -> (Exit, Option<ErrorReport>) {
    let (exit, message) = match trip {
        RoundTrip { findings, .. } if !findings.is_empty() => {
            (Exit::FINDING, "the migrations don't lead where they should")
        }
        RoundTrip { applied, .. } if applied.is_empty() => {
            (Exit::NOT_PROVABLE, "there are no migrations to test")
        }
        RoundTrip { untried, .. } if !untried.is_empty() => {
            (Exit::NOT_PROVABLE, "not every migration could be tested, because one has no way back")
        }
        _ => return (Exit::DONE, None),
    };
    (exit, Some(ErrorReport { message: message.to_owned(), hint: None }))
}

#[derive(Debug, thiserror::Error)]
#[error("{verb} {}", path.display())]
struct FileError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

fn file_failed(verb: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::new(Exit::COULD_NOT_RUN, &FileError { verb, path: path.to_owned(), source }, None)
}
