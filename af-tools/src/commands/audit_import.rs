//! `af-tools audit import`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Context, Failure};
use crate::audit::import::{self, Options, Summary};
use crate::cli::audit::ImportArgs;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::{ErrorReport, Format, Report, Verbosity, counted, grouped, rate};

/// How many refused lines are described.
const MAX_REFUSALS: usize = 20;

/// What an import did.
#[derive(Debug, Serialize)]
pub struct ImportReport {
    /// Counts, and the first refused lines.
    #[serde(flatten)]
    pub summary: Summary,
}

impl Report for ImportReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let Summary { lines, stored, refused, tenants_created, seconds, entries_per_second, .. } =
            &self.summary;
        let (stored, events) = (grouped(*stored), counted(*lines, "event", "events"));
        write!(out, "stored {stored} of {events} in {seconds:.2} s{}", rate(*entries_per_second, "entries"))?;
        if *refused > 0 {
            write!(out, ", {refused} refused")?;
        }
        writeln!(out, ", {} created", counted(*tenants_created, "tenant", "tenants"))
    }
}

/// The input cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("open {}", path.display())]
struct OpenError {
    path: PathBuf,
    source: io::Error,
}

pub(super) fn run(args: &ImportArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let input = open(&args.file, &context.interrupt)?;
    let options = Options { keep_going: args.keep_going, max_refusals: MAX_REFUSALS };
    let mut connection = context.connect()?;
    let mut progress = context.printer.progress("entries").stopped_by(&context.interrupt);
    let imported = import::import(&mut connection.client, input, &options, &mut progress);
    drop(progress);
    let summary = imported?;

    if context.printer.format() == Format::Text {
        for refusal in &summary.refusals {
            context.printer.note(format_args!("line {}: {}", refusal.line, refusal.reason));
        }
        let rest = summary.refused.saturating_sub(summary.refusals.len() as u64);
        if rest > 0 {
            context.printer.note(format_args!("… and {rest} more lines"));
        }
    }
    let (exit, error) = judge(&summary, &options);
    context.report(exit, &ImportReport { summary }, error.as_ref())
}

/// The file, or standard input; read until the end, or until the user has had enough.
pub(super) fn open(path: &Path, interrupt: &Interrupt) -> Result<Box<dyn Read>, Failure> {
    let error = |source| {
        let error = OpenError { path: path.to_owned(), source };
        Failure::new(Exit::COULD_NOT_RUN, &error, None)
    };
    let file = if path.as_os_str() == "-" { standard_input() } else { File::open(path) }.map_err(error)?;
    // Where nothing can be told, as of a pipe on Windows, reading will tell.
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(error(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(interrupt.stops(file)))
}

/// As a file: without a buffer in between, which could hold what is waited for.
fn standard_input() -> io::Result<File> {
    #[cfg(unix)]
    let input = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned();
    #[cfg(windows)]
    let input = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned();
    input.map(File::from)
}

fn judge(summary: &Summary, options: &Options) -> (Exit, Option<ErrorReport>) {
    if summary.refused == 0 {
        return (Exit::DONE, None);
    }
    let lines = counted(summary.lines, "line", "lines");
    let message = format!("import: {} of {lines} refused", grouped(summary.refused));
    if summary.is_committed(options) {
        return (Exit::FINDING, Some(ErrorReport { message, hint: None }));
    }
    let message = format!("{message}; nothing was stored");
    let hint = "Correct the lines named, or let --keep-going store the others.".to_owned();
    (Exit::COULD_NOT_RUN, Some(ErrorReport { message, hint: Some(hint) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_lines_are_1_or_with_keep_going_3() {
        let summary = |refused| Summary {
            lines: 9,
            stored: 0,
            refused,
            tenants_created: 0,
            seconds: 0.5,
            entries_per_second: None,
            refusals: Vec::new(),
        };
        let options = |keep_going| Options { keep_going, max_refusals: 1 };
        assert_eq!(judge(&summary(0), &options(false)).0, Exit::DONE);
        assert_eq!(judge(&summary(2), &options(true)).0, Exit::FINDING);
        let (exit, error) = judge(&summary(2), &options(false));
        assert_eq!(exit, Exit::COULD_NOT_RUN);
        assert_eq!(error.unwrap().message, "import: 2 of 9 lines refused; nothing was stored");
    }

    #[test]
    fn the_json_names_what_scripts_need() {
        let summary = Summary {
            lines: 2,
            stored: 1,
            refused: 1,
            tenants_created: 1,
            seconds: 0.5,
            entries_per_second: Some(2.0),
            refusals: vec![import::Refusal { line: 2, reason: "why".to_owned() }],
        };
        let json = serde_json::to_value(ImportReport { summary }).unwrap();
        let expected = serde_json::json!({
            "lines": 2, "stored": 1, "refused": 1, "tenants_created": 1, "seconds": 0.5,
            "entries_per_second": 2.0, "refusals": [{"line": 2, "reason": "why"}]
        });
        assert_eq!(json, expected);
    }
}
