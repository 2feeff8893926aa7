//! `af-tools migrate`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Context, Failure};
use crate::cli::migrate::{DownArgs, SourceArgs};
use crate::exit::Exit;
use crate::migrate::{self, Migration, State};
use crate::output::{ErrorReport, Report, Table, Verbosity};

/// What was done, or how things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Migrations were applied.
    Up,
    /// Migrations were reverted.
    Down,
    /// Nothing was done.
    Status,
}

/// The migrations concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrateReport {
    /// What was done.
    pub action: Action,
    /// Those that were applied or reverted, or all of them, each with its state now.
    pub migrations: Vec<Migration>,
}

impl Report for MigrateReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let word = |state| match (self.action, state) {
            (Action::Down, _) => "reverted",
            (_, State::Applied) => "applied",
            (_, State::Pending) => "pending",
            (_, State::Changed) => "changed since it was applied",
            (_, State::Unknown) => "applied, but unknown to this build",
        };
        if self.migrations.is_empty() {
            let nothing = match self.action {
                Action::Up => "nothing to apply: the schema is up to date",
                Action::Down => "nothing to revert",
                Action::Status => "there are no migrations",
            };
            return writeln!(out, "{nothing}");
        }
        let mut table = Table::new(&[">version", "state", "description"]);
        for migration in &self.migrations {
            let description = migration.description.clone().unwrap_or_default();
            table.row([format!("{:04}", migration.version), word(migration.state).to_owned(), description]);
        }
        table.write(out)
    }
}

pub(super) fn up(args: &SourceArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let migrations = migrate::up(&context.settings()?, &args.source())?;
    context.report(Exit::DONE, &MigrateReport { action: Action::Up, migrations }, None)
}

pub(super) fn down(args: &DownArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let migrations = migrate::down(&context.settings()?, &args.source.source(), args.target)?;
    context.report(Exit::DONE, &MigrateReport { action: Action::Down, migrations }, None)
}

pub(super) fn status(args: &SourceArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let migrations = migrate::status(&context.settings()?, &args.source())?;
    let (exit, error) = judge(&migrations);
    context.report(exit, &MigrateReport { action: Action::Status, migrations }, error.as_ref())
}

/// What is not as it should be outweighs what is only still to be done.
fn judge(migrations: &[Migration]) -> (Exit, Option<ErrorReport>) {
    let has = |state| migrations.iter().any(|migration| migration.state == state);
    if has(State::Changed) || has(State::Unknown) {
        let message = "the database was migrated by other migrations than these".to_owned();
        return (Exit::FINDING, Some(ErrorReport { message, hint: None }));
    }
    (if has(State::Pending) { Exit::PENDING } else { Exit::DONE }, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_is_5_and_drift_is_3() {
        let migrations = |states: &[State]| -> Vec<Migration> {
            let one = |state: &State| Migration { version: 1, description: None, state: *state };
            states.iter().map(one).collect()
        };
        for (states, exit) in [
            (&[State::Applied][..], Exit::DONE),
            (&[State::Applied, State::Pending], Exit::PENDING),
            (&[State::Changed, State::Pending], Exit::FINDING),
            (&[State::Unknown], Exit::FINDING),
        ] {
            assert_eq!(judge(&migrations(states)).0, exit, "{states:?}");
        }
    }
}
