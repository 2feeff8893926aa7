//! `af-tools message replay`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::message_verify::{judge, write_findings};
use super::{Context, Failure};
use crate::cli::message::ReplayArgs;
use crate::exit::Exit;
use crate::message::replay::{self, Options, Replay};
use crate::output::{ErrorReport, Format, Report, Verbosity, counted};

/// What was passed on, and where to.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// The replay.
    #[serde(flatten)]
    pub replay: Replay,
    /// The file, if there is one now.
    pub output: Option<PathBuf>,
}

impl Report for ReplayReport {
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()> {
        let Replay { messages, findings, findings_total, .. } = &self.replay;
        write_findings(findings, *findings_total, verbosity, out)?;
        let messages = counted(*messages, "message", "messages");
        match &self.output {
            Some(path) => writeln!(out, "{messages} written to {}", path.display()),
            None => writeln!(out, "nothing was written"),
        }
    }
}

pub(super) fn run(args: &ReplayArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    match &args.output {
        None if context.printer.format() == Format::Json => Err(Failure {
            exit: Exit::USAGE,
            report: ErrorReport {
                message: "replay: --json and the messages would both go to standard output".to_owned(),
                hint: Some("Write the messages to a file with --output.".to_owned()),
            },
        }),
        None => to_stdout(args, context),
        Some(path) => to_file(args, path, context),
    }
}

fn to_stdout(args: &ReplayArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut connection = context.connect()?;
    let mut watch = context.printer.progress("messages").stopped_by(&context.interrupt);
    let replay = replay::replay(
        &mut connection,
        &args.selection(),
        &options(args),
        context.printer.stream(),
        &mut watch,
    );
    drop(watch);
    let replay = replay?;
    let (exit, error) = verdict(&replay, args);
    // The messages are the result; all that is said of them goes beside it.
    let mut aside = Vec::new();
    let Replay { messages, findings, findings_total, .. } = &replay;
    write_findings(findings, *findings_total, context.printer.verbosity(), &mut aside)
        .map_err(super::output_failed)?;
    if *findings_total > 0 {
        context.printer.note(format_args!("{}", String::from_utf8_lossy(&aside).trim_end()));
    }
    context.printer.note(format_args!("{}", counted(*messages, "message", "messages")));
    match error {
        Some(report) => Err(Failure { exit, report }),
        None => Ok(exit),
    }
}

fn to_file(args: &ReplayArgs, path: &Path, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |source| {
        let hint = "The messages are gathered beside the file first: its directory must be there, writable and large enough.";
        Failure::new(Exit::COULD_NOT_RUN, &FileError { path: path.to_owned(), source }, Some(hint.to_owned()))
    };
    let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
    let mut connection = context.connect()?;
    let mut watch = context.printer.progress("messages").stopped_by(&context.interrupt);
    let replay =
        replay::replay(&mut connection, &args.selection(), &options(args), file.as_file_mut(), &mut watch);
    drop(watch);
    let replay = replay?;
    if replay.is_complete {
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
    }
    let (exit, error) = verdict(&replay, args);
    let output = replay.is_complete.then(|| path.to_owned());
    context.report(exit, &ReplayReport { replay, output }, error.as_ref())
}

fn options(args: &ReplayArgs) -> Options {
    Options { keep_going: args.keep_going, max_findings: args.max_findings }
}

fn verdict(replay: &Replay, args: &ReplayArgs) -> (Exit, Option<ErrorReport>) {
    judge("replay", replay.status, args.allow_empty, replay.findings.first(), replay.findings_total)
}

#[derive(Debug, thiserror::Error)]
#[error("write {}", path.display())]
struct FileError {
    path: PathBuf,
    source: io::Error,
}
