//! What libraries tell through `tracing`, on standard error: warnings as the printer writes them, the log of accesses and
//! other details with `-v`.

use std::fmt::{Debug, Write as _};
use std::io::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::{Verbosity, write_aside};

/// Passes on what this crate tells from now on; other crates' own affairs are not told.
pub fn listen(verbosity: Verbosity) {
    let subscriber =
        Registry::default().with(Log { most_detailed: most_detailed(verbosity), write: io::stderr });
    // Who runs several commands in one process, as tests do, has the first one's.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn most_detailed(verbosity: Verbosity) -> Level {
    match verbosity {
        Verbosity::Quiet => Level::ERROR,
        Verbosity::Normal => Level::WARN,
        Verbosity::Verbose => Level::DEBUG,
    }
}

struct Log<W> {
    most_detailed: Level,
    write: fn() -> W,
}

impl<S: Subscriber, W: Write + 'static> Layer<S> for Log<W> {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.most_detailed && metadata.target().split("::").next() == Some("af_tools")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let what = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            _ => "",
        };
        let colon = if line.fields.is_empty() { "" } else { ":" };
        write_aside(&mut (self.write)(), format_args!("{what}{}{colon}{}", line.message, line.fields));
    }
}

/// An event as text: its message, then ` name=value` for each of its fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn add(&mut self, field: &Field, value: &str) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => self.message.write_str(value),
            name if value.contains(char::is_whitespace) => write!(self.fields, " {name}={value:?}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    struct Written;

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            WRITTEN.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn warnings_always_and_details_when_they_are_wanted() {
        for (verbosity, expected) in [
            (Verbosity::Quiet, ""),
            (Verbosity::Normal, "warning: it\\u{1b} is odd: key=a\n"),
            (
                Verbosity::Verbose,
                "warning: it\\u{1b} is odd: key=a\naccessed: key=b provider=\"file /x\" count=3\nlooked\n",
            ),
        ] {
            let log = Log { most_detailed: most_detailed(verbosity), write: || Written };
            tracing::subscriber::with_default(Registry::default().with(log), || {
                tracing::warn!(target: "af_tools::x", key = "a", "it\u{1b} is odd");
                tracing::info!(target: "af_tools::x", key = "b", provider = "file /x", count = 3, "accessed");
                tracing::debug!(target: "af_tools::x", "looked");
                tracing::trace!(target: "af_tools::x", "looked closely");
                tracing::warn!(target: "another_crate", "its own affair");
            });
            assert_eq!(String::from_utf8(std::mem::take(&mut *WRITTEN.lock().unwrap())).unwrap(), expected);
        }
    }
}
