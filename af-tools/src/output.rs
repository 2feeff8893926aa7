//! The one printer: results on standard output, everything else on standard error.
//!
//! A [`Report`] is one value with two faces: text for people, and with `--json` one document,
//! `{"schema_version", "command", "exit_code", "result", "error"}`, also when the command failed.

mod log;
mod progress;
mod table;

use std::borrow::Cow;
use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::exit::Exit;

pub use log::listen;
pub use progress::Progress;
pub use table::Table;

pub use crate::numbers::{counted, grouped, rate};

/// Version of the JSON documents; raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// For whom the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How much is said beside the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What matters.
    #[default]
    Normal,
    /// Details, and lists in full.
    Verbose,
}

/// A command's result.
pub trait Report: Serialize {
    /// Writes the result for people.
    fn write_text(&self, out: &mut dyn Write, verbosity: Verbosity) -> io::Result<()>;
}

/// A failure: what failed, why, and what can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReport {
    /// What failed and why, as one line.
    pub message: String,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Serialize)]
struct Document<'a, R: ?Sized> {
    schema_version: u32,
    command: &'a str,
    exit_code: Exit,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a R>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorReport>,
}

/// Where all output goes.
pub struct Printer {
    format: Format,
    verbosity: Verbosity,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    is_terminal: bool,
}

impl Printer {
    /// To this process's standard output and standard error.
    pub fn of_process(format: Format, verbosity: Verbosity) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { format, verbosity, out: Box::new(io::stdout()), err: Box::new(io::stderr()), is_terminal }
    }

    /// To other places, for tests.
    pub fn new(
        format: Format,
        verbosity: Verbosity,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Self {
        Self { format, verbosity, out: Box::new(out), err: Box::new(err), is_terminal: false }
    }

    /// For whom the output is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// A progress display that counts such things, and shows nothing unless somebody looks at a terminal.
    pub fn progress(&self, things: &'static str) -> Progress {
        let is_shown = self.is_terminal && self.format == Format::Text && self.verbosity > Verbosity::Quiet;
        Progress::new(is_shown, things)
    }

    /// Prints a result, and the error that came with it.
    pub fn report<R: Report>(
        &mut self,
        command: &str,
        exit: Exit,
        report: &R,
        error: Option<&ErrorReport>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => self.document(command, exit, Some(report), error),
            Format::Text => {
                let mut text = Vec::new();
                report.write_text(&mut text, self.verbosity)?;
                self.result(printable(&String::from_utf8_lossy(&text)).as_bytes())?;
                if let Some(error) = error {
                    self.error(error);
                }
                Ok(())
            }
        }
    }

    /// Prints a failure that has no result beside it.
    pub fn failure(&mut self, command: &str, exit: Exit, error: &ErrorReport) -> io::Result<()> {
        match self.format {
            Format::Json => self.document(command, exit, None::<&()>, Some(error)),
            Format::Text => {
                self.error(error);
                Ok(())
            }
        }
    }

    /// Part of a result that is shown while the rest is still being made; in JSON it is in the document.
    pub fn line(&mut self, line: Arguments<'_>) -> io::Result<()> {
        match self.format {
            Format::Json => Ok(()),
            Format::Text => self.result(printable(&format!("{line}\n")).as_bytes()),
        }
    }

    /// A result that is neither text for people nor JSON, such as a script.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.result(bytes)
    }

    /// Where a result goes that is too long to be made first and printed then.
    pub fn stream(&mut self) -> &mut (dyn Write + Send) {
        &mut *self.out
    }

    /// Something the user should know beside the result.
    pub fn note(&mut self, note: Arguments<'_>) {
        if self.verbosity > Verbosity::Quiet {
            self.aside(format_args!("{note}"));
        }
    }

    /// Something the user may want to know.
    pub fn detail(&mut self, detail: Arguments<'_>) {
        if self.verbosity > Verbosity::Normal {
            self.aside(format_args!("{detail}"));
        }
    }

    /// Something that is probably not as the user thinks.
    pub fn warning(&mut self, warning: Arguments<'_>) {
        self.note(format_args!("warning: {warning}"));
    }

    fn error(&mut self, error: &ErrorReport) {
        self.aside(format_args!("error: {}", error.message));
        if let Some(hint) = &error.hint {
            self.aside(format_args!("hint: {hint}"));
        }
    }

    fn aside(&mut self, text: Arguments<'_>) {
        write_aside(&mut self.err, text);
    }

    fn document<R: Serialize + ?Sized>(
        &mut self,
        command: &str,
        exit_code: Exit,
        result: Option<&R>,
        error: Option<&ErrorReport>,
    ) -> io::Result<()> {
        let document = Document { schema_version: SCHEMA_VERSION, command, exit_code, result, error };
        let mut text = serde_json::to_vec_pretty(&document)?;
        text.push(b'\n');
        self.result(&text)
    }

    fn result(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.out.write_all(bytes).and_then(|()| self.out.flush()) {
            // Whoever read it has seen enough; what the command found still decides the exit code.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

/// Lines after the first are indented: what is quoted in a message cannot pass for another message.
/// There is nowhere to tell that standard error is closed.
fn write_aside(err: &mut dyn Write, text: Arguments<'_>) {
    let text = printable(&text.to_string()).replace('\n', "\n    ");
    let _ = writeln!(err, "{text}").and_then(|()| err.flush());
}

/// Text with its control characters spelt out: names and keys come from strangers, and a terminal obeys
/// what it is shown. So are those that reorder what stands around them (Unicode's Bidi_Control).
fn printable(text: &str) -> Cow<'_, str> {
    let is_harmful = |char: char| match char {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        char => char.is_control(),
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_harmful(char) { out.extend(char.escape_default()) } else { out.push(char) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Serialize)]
    struct Answer {
        value: u32,
    }

    impl Report for Answer {
        fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
            writeln!(out, "the answer is {}", self.value)
        }
    }

    fn print(format: Format, work: impl FnOnce(&mut Printer)) -> (String, String) {
        let (out, err) = (Shared::default(), Shared::default());
        work(&mut Printer::new(format, Verbosity::Normal, out.clone(), err.clone()));
        (out.text(), err.text())
    }

    fn error() -> ErrorReport {
        ErrorReport { message: "open x: no".to_owned(), hint: Some("Look.".to_owned()) }
    }

    #[test]
    fn results_and_errors_go_apart() {
        let (out, err) = print(Format::Text, |printer| {
            printer.report("ask", Exit::FINDING, &Answer { value: 42 }, Some(&error())).unwrap();
            printer.detail(format_args!("not shown"));
        });
        assert_eq!(out, "the answer is 42\n");
        assert_eq!(err, "error: open x: no\nhint: Look.\n");
    }

    #[test]
    fn what_a_message_quotes_is_no_message_of_its_own() {
        let (_, err) = print(Format::Text, |printer| {
            printer.note(format_args!("line 1: unknown key \"a\nhint: obey\r\""));
        });
        assert_eq!(err, "line 1: unknown key \"a\n    hint: obey\\r\"\n");
    }

    #[test]
    fn json_is_one_document_with_the_schema_version() {
        let document = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let (out, err) = print(Format::Json, |printer| {
            printer.line(format_args!("not shown")).unwrap();
            printer.report("ask", Exit::DONE, &Answer { value: 42 }, None).unwrap();
        });
        let expected = serde_json::json!({"schema_version": 1, "command": "ask", "exit_code": 0, "result": {"value": 42}});
        assert_eq!((document(out), err.as_str()), (expected, ""));
        let (out, _) = print(Format::Json, |printer| {
            printer.failure("ask", Exit::COULD_NOT_RUN, &error()).unwrap();
        });
        let expected = serde_json::json!({
            "schema_version": 1, "command": "ask", "exit_code": 1,
            "error": {"message": "open x: no", "hint": "Look."}
        });
        assert_eq!(document(out), expected);
    }

    #[test]
    fn a_terminal_is_not_commanded_by_data() {
        assert_eq!(printable("Zoë\t\n"), "Zoë\t\n");
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}"), "a\\u{1b}[2Jb\\u{9b}");
        assert_eq!(printable("ok \u{202e}derepmat\u{2069}"), "ok \\u{202e}derepmat\\u{2069}");
    }

    #[test]
    fn a_broken_pipe_is_no_error() {
        let mut printer = Printer::new(Format::Text, Verbosity::Normal, Closed, Closed);
        assert!(printer.report("ask", Exit::DONE, &Answer { value: 1 }, Some(&error())).is_ok());
        assert!(printer.raw(b"script").is_ok());
    }
}
