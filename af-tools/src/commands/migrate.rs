//! `af-tools migrate`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Context, Failure};
use crate::cli::migrate::{DownArgs, SourceArgs, UpArgs};
use crate::connection::Settings;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::migrate::{self, Descent, History, Holder, Loss, Lost, Migration, Migrations, Observer, State};
use crate::output::{ErrorReport, Printer, Report, Table, Verbosity, counted};

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
    /// What was to be done.
    pub action: Action,
    /// Whether it was: not by `--dry-run`, and not when data would have been lost.
    pub is_done: bool,
    /// Those that were, or would be, applied or reverted, or all of them, each with its state now.
    pub migrations: Vec<Migration>,
    /// What was lost, or would be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
}

impl Report for MigrateReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        if self.migrations.is_empty() {
            let nothing = match self.action {
                Action::Up => "nothing to apply: the schema is up to date",
                Action::Down => "nothing to revert",
                Action::Status => "there are no migrations",
            };
            return writeln!(out, "{nothing}");
        }
        let word = |state| match (self.action, self.is_done) {
            (Action::Down, true) => "reverted",
            (Action::Down, false) => "would be reverted",
            (Action::Up, false) => "would be applied",
            (Action::Up, true) | (Action::Status, _) => standing(state),
        };
        let mut table = Table::new(&[">version", "state", "description"]);
        for Migration { version, description, state } in &self.migrations {
            table.row([format!("{version:04}"), word(*state).to_owned(), description.clone()]);
        }
        table.write(out)?;
        let lost = if self.is_done { "lost" } else { "would be lost" };
        self.losses.iter().try_for_each(|loss| writeln!(out, "{lost}: {}", told(loss)))
    }
}

fn standing(state: State) -> &'static str {
    match state {
        State::Applied => "applied",
        State::Pending => "pending",
        State::Modified => "modified after it was applied",
        State::Missing => "applied, but missing here",
        State::OutOfOrder => "out of order: a newer one is applied",
        State::Incomplete => "begun, and not ended",
    }
}

fn told(loss: &Loss) -> String {
    let Loss { table, rows, .. } = loss;
    let count = counted(*rows, "row", "rows");
    match (loss.lost, &loss.column, loss.chains) {
        (Lost::Table, _, Some(chains)) => {
            let (entries, chains) = (counted(*rows, "entry", "entries"), counted(chains, "chain", "chains"));
            format!("audit ledger {table}: {entries} in {chains}")
        }
        (Lost::Column, Some(column), _) => {
            format!("column {column} of table {table}: {}", counted(*rows, "value", "values"))
        }
        (Lost::Rows, ..) => format!("{count} of table {table}"),
        (Lost::Table | Lost::Column, ..) => format!("table {table}: {count}"),
    }
}

/// Says what the work waits for, and, if wanted, what it is at.
pub(super) struct Narrator<'a> {
    printer: &'a mut Printer,
    interrupt: Interrupt,
}

impl Observer for Narrator<'_> {
    fn waits_for(&mut self, holder: &Holder) {
        self.printer.note(format_args!("waiting for another migration of this database: {holder}"));
    }

    fn begins(&mut self, migration: &Migration) {
        self.printer.detail(format_args!("migration {} {}", migration.version, migration.description));
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_set()
    }
}

impl Context<'_> {
    pub(super) fn narrator(&mut self) -> Narrator<'_> {
        Narrator { printer: &mut self.printer, interrupt: self.interrupt.clone() }
    }

    /// A session for migrations that Ctrl-C cancels.
    fn history(
        &mut self,
        open: impl FnOnce(&Settings) -> Result<History, migrate::Error>,
    ) -> Result<History, Failure> {
        let history = open(&self.settings()?)?;
        self.interrupt.cancels(history.canceller());
        Ok(history)
    }
}

pub(super) fn up(args: &UpArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let migrations = Migrations::read(&args.source.source())?;
    let mut history = context.history(History::open_or_begin)?;
    let applied = migrate::up(&mut history, &migrations, &args.options(), &mut context.narrator())?;
    let report =
        MigrateReport { action: Action::Up, is_done: !args.dry_run, migrations: applied, losses: Vec::new() };
    context.report(Exit::DONE, &report, None)
}

pub(super) fn down(args: &DownArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let migrations = Migrations::read(&args.source.source())?;
    let mut history = context.history(History::open)?;
    let Descent { migrations, losses, is_done } =
        migrate::down(&mut history, &migrations, &args.options(), &mut context.narrator())?;
    let is_refused = !is_done && !args.dry_run;
    let report = MigrateReport { action: Action::Down, is_done, migrations, losses };
    if !is_refused {
        return context.report(Exit::DONE, &report, None);
    }
    let lost: Vec<String> = report.losses.iter().map(told).collect();
    let error = ErrorReport {
        message: format!("nothing was reverted, because it would destroy data: {}", lost.join("; ")),
        hint: Some("Dump the database first; --allow-data-loss then goes on.".to_owned()),
    };
    context.report(Exit::COULD_NOT_RUN, &report, Some(&error))
}

pub(super) fn status(args: &SourceArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let migrations = Migrations::read(&args.source())?;
    let mut history = context.history(History::open)?;
    let migrations = migrate::status(&mut history, &migrations)?;
    let (exit, error) = judge(&migrations);
    let report = MigrateReport { action: Action::Status, is_done: true, migrations, losses: Vec::new() };
    context.report(exit, &report, error.as_ref())
}

/// What is not as it should be outweighs what is only still to be done.
fn judge(migrations: &[Migration]) -> (Exit, Option<ErrorReport>) {
    if migrations.iter().any(|migration| migration.state.is_drift()) {
        let message = "database and migrations have gone different ways".to_owned();
        let hint = "docs/migrations.md says under \"Drift\" what to do about each; up and down change nothing until then.";
        return (Exit::FINDING, Some(ErrorReport { message, hint: Some(hint.to_owned()) }));
    }
    let is_pending = migrations.iter().any(|migration| migration.state == State::Pending);
    (if is_pending { Exit::PENDING } else { Exit::DONE }, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_is_5_and_drift_is_3() {
        let migrations = |states: &[State]| -> Vec<Migration> {
            let one = |state: &State| Migration { version: 1, description: String::new(), state: *state };
            states.iter().map(one).collect()
        };
        for (states, exit) in [
            (&[State::Applied][..], Exit::DONE),
            (&[State::Applied, State::Pending], Exit::PENDING),
            (&[State::Modified, State::Pending], Exit::FINDING),
            (&[State::Missing], Exit::FINDING),
            (&[State::OutOfOrder, State::Applied], Exit::FINDING),
            (&[State::Incomplete], Exit::FINDING),
        ] {
            assert_eq!(judge(&migrations(states)).0, exit, "{states:?}");
        }
    }

    #[test]
    fn a_loss_is_told_in_the_terms_of_what_is_lost() {
        let loss = |lost, column: Option<&str>, rows, chains| {
            let column = column.map(str::to_owned);
            told(&Loss { version: 1, lost, table: "audits".to_owned(), column, rows, chains })
        };
        assert_eq!(loss(Lost::Table, None, 1_450, Some(5)), "audit ledger audits: 1,450 entries in 5 chains");
        assert_eq!(loss(Lost::Table, None, 1, None), "table audits: 1 row");
        assert_eq!(loss(Lost::Column, Some("ts"), 2, None), "column ts of table audits: 2 values");
        assert_eq!(loss(Lost::Rows, None, 1, None), "1 row of table audits");
    }
}
