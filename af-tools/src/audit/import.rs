//! Import: one event a line goes in, in the order of the file, all of them or none.
//!
//! Lines are read, checked and stored in batches, so that memory does not depend on the length of the
//! file. Everything happens in one transaction. Where one event of a batch is refused by the server,
//! the batch is halved until the event stands alone, so that its line can be named.

mod input;
mod line;
mod store;

use std::io::Read;
use std::time::Instant;

use postgres::Client;
use serde::Serialize;

use self::input::{Input, NextLine};
use self::line::Parser;
use self::store::Store;
use crate::relation::RelationError;
use crate::server::ServerError;
use crate::watch::{Watch, rate};

pub use self::input::{InputError, MAX_LINE_BYTES};
pub use self::line::LineError;

/// A reason may quote what a line holds, which can be as long as the line.
const LONGEST_REASON_CHARS: usize = 500;

/// How an import treats what it cannot store.
#[derive(Debug, Clone)]
pub struct Options {
    /// Store the good lines although others are refused.
    pub keep_going: bool,
    /// How many refused lines are described; all are counted.
    pub max_refusals: usize,
}

/// A line that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// How many lines were read, without blank ones.
    pub lines: u64,
    /// How many entries were stored.
    pub stored: u64,
    /// How many lines were refused.
    pub refused: u64,
    /// How many tenants were created.
    pub tenants_created: u64,
    /// How long it took.
    pub seconds: f64,
    /// Entries stored a second.
    pub entries_per_second: Option<f64>,
    /// The first refused lines, up to the limit.
    pub refusals: Vec<Refusal>,
}

impl Summary {
    /// Whether all lines were stored, or as many as could be and that was wanted.
    pub fn is_committed(&self, options: &Options) -> bool {
        self.refused == 0 || options.keep_going
    }
}

/// Why an import was given up; nothing is stored then, but for one case that its message names.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be read.
    #[error("read the input after line {line}")]
    Input {
        /// The last line that could be read.
        line: u64,
        /// Why.
        source: InputError,
    },
    /// The tables are not as they must be.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// The role may not insert.
    #[error("check privileges: the role may not insert into {0}")]
    NoPrivilege(String),
    /// The server refused for a reason that no single line has given.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What the server said.
        source: ServerError,
    },
    /// The connection was lost while the transaction was being committed.
    #[error("commit the import: the connection was lost, and whether the file is stored is not known")]
    InDoubt(#[source] ServerError),
    /// The user gave it up.
    #[error("import interrupted")]
    Interrupted,
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Input { source, .. } => source.hint(),
            Self::Relation(error) => error.hint(),
            Self::NoPrivilege(_) => {
                Some("Connect as a role that may, or have the privilege granted.".to_owned())
            }
            Self::Server { source, .. } => source.hint(),
            Self::InDoubt(_) => {
                Some("Look at the last entries of the chains before you import again.".to_owned())
            }
            Self::Interrupted => None,
        }
    }
}

/// Imports what `input` holds: lines of JSON, possibly compressed by gzip.
///
/// If lines are refused and that is not accepted, nothing is stored; the summary says which.
pub fn import(
    client: &mut Client,
    input: impl Read,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Summary, Error> {
    let start = Instant::now();
    let mut run = Run {
        store: Store::begin(client)?,
        options,
        summary: Summary {
            lines: 0,
            stored: 0,
            refused: 0,
            tenants_created: 0,
            seconds: 0.0,
            entries_per_second: None,
            refusals: Vec::new(),
        },
    };
    watch.begin(None);
    run.read(input, watch)?;
    let Run { store, mut summary, .. } = run;
    if summary.is_committed(options) {
        summary.stored = store.stored();
        summary.tenants_created = store.tenants_created();
        store.commit()?;
    } else {
        store.roll_back()?;
    }
    summary.refusals.sort_by_key(|refusal| refusal.line);
    summary.seconds = start.elapsed().as_secs_f64();
    summary.entries_per_second = rate(summary.stored, summary.seconds);
    Ok(summary)
}

/// An import under way.
struct Run<'a> {
    store: Store<'a>,
    options: &'a Options,
    summary: Summary,
}

impl Run<'_> {
    fn read(&mut self, input: impl Read, watch: &mut dyn Watch) -> Result<(), Error> {
        let at = |line: u64| move |source| Error::Input { line, source };
        let mut input = Input::open(input).map_err(at(0))?;
        let mut parser = Parser::default();
        loop {
            if watch.is_interrupted() {
                return Err(Error::Interrupted);
            }
            let number = input.number() + 1;
            let event = match input.next().map_err(at(number - 1))? {
                NextLine::End => break,
                NextLine::Line(line) if line.iter().all(u8::is_ascii_whitespace) => continue,
                NextLine::Line(line) => parser.parse(line),
                NextLine::TooLong => Err(LineError::TooLong),
            };
            self.summary.lines += 1;
            match event {
                Err(error) => self.refuse(number, error.to_string()),
                // Once a line is refused the rest is only looked through, to name the bad lines at once.
                Ok(_) if !self.summary.is_committed(self.options) => {}
                Ok(event) => {
                    self.store.add(number, event);
                    if self.store.is_batch_full() {
                        self.flush(watch)?;
                    }
                }
            }
        }
        // Also where nothing will be stored: the server may have something to say about earlier lines.
        self.flush(watch)
    }

    fn flush(&mut self, watch: &mut dyn Watch) -> Result<(), Error> {
        let before = self.store.stored();
        for refusal in self.store.flush()? {
            self.refuse(refusal.line, refusal.reason);
        }
        watch.advance(self.store.stored() - before);
        Ok(())
    }

    fn refuse(&mut self, line: u64, reason: String) {
        self.summary.refused += 1;
        if self.summary.refusals.len() < self.options.max_refusals {
            self.summary.refusals.push(Refusal { line, reason: shortened(reason) });
        }
    }
}

/// Keeps both ends: what is wrong often stands behind what was quoted.
fn shortened(reason: String) -> String {
    const HALF: usize = LONGEST_REASON_CHARS / 2;
    let Some((head_end, _)) = reason.char_indices().nth(HALF) else { return reason };
    let Some((tail_start, _)) = reason.char_indices().nth_back(HALF - 1) else { return reason };
    if tail_start <= head_end {
        return reason;
    }
    format!("{}…{}", &reason[..head_end], &reason[tail_start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_a_bearable_length_and_keeps_its_end() {
        for short in [String::new(), "x".repeat(499), "é".repeat(500)] {
            assert_eq!(shortened(short.clone()), short);
        }
        let long = shortened(format!("unknown key \"{}\"; the keys are", "é".repeat(1 << 20)));
        assert_eq!(long.chars().count(), LONGEST_REASON_CHARS + 1);
        assert!(long.starts_with("unknown key \"éé") && long.ends_with("é\"; the keys are"), "{long}");
    }
}
