//! A script at work: statement by statement, so that the one that fails has a line.

use std::time::{Duration, Instant};

use postgres::GenericClient;

use super::source::Script;
use super::{Error, statements};
use crate::server::ServerError;

/// One script of one migration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    /// What it does with the migration, for messages.
    pub(super) verb: &'static str,
    pub(super) version: i64,
    pub(super) script: &'a Script,
}

impl Run<'_> {
    /// For what fails beside the script's own statements.
    pub(super) fn failed(&self) -> impl Fn(postgres::Error) -> Error + use<> {
        let doing = format!("{} migration {}", self.verb, self.version);
        move |error| Error::Server { doing: doing.clone(), source: error.into() }
    }

    /// Runs it, and leaves search_path and role as they were: a script sets them for itself, not for the book-keeping
    /// and the next script. Returns how long it took.
    pub(super) fn execute(&self, client: &mut impl GenericClient) -> Result<Duration, Error> {
        const SETTINGS: &str = "SELECT current_setting('search_path'), current_setting('role')";
        const RESTORE: &str = "SELECT set_config('search_path', $1, false), set_config('role', $2, false)";
        let start = Instant::now();
        let row = client.query_one(SETTINGS, &[]).map_err(self.failed())?;
        let (search_path, role): (String, String) = (row.get(0), row.get(1));
        for statement in statements::split(&self.script.sql) {
            client.batch_execute(statement.text).map_err(|error| {
                let source = ServerError::from(error);
                Error::Statement {
                    verb: self.verb,
                    version: self.version,
                    line: source.position().map_or(statement.line, |position| statement.line_at(position)),
                    statement: statement.excerpt(),
                    is_undone: self.script.is_transactional,
                    source,
                }
            })?;
        }
        client.execute(RESTORE, &[&search_path, &role]).map_err(self.failed())?;
        Ok(start.elapsed())
    }
}
