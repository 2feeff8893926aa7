//! From arguments to a library, and from its result to a report and an exit code.

mod audit_check_proof;
mod audit_checkpoint;
mod audit_cosign;
mod audit_import;
mod audit_keygen;
mod audit_prove;
mod audit_report;
mod audit_timestamp;
mod audit_verify;
mod backup;
mod backup_restore;
mod backup_store;
mod completions;
#[cfg(unix)]
mod demo;
mod failure;
mod message_replay;
mod message_verify;
mod migrate;
mod migrate_test;
mod passphrase;
mod plan_run;
mod secrets;
mod validate;

use std::ffi::OsString;
use std::io;

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::audit::AuditCommand;
use crate::cli::backup::BackupCommand;
use crate::cli::message::MessageCommand;
use crate::cli::migrate::MigrateCommand;
use crate::cli::plan::PlanCommand;
use crate::cli::{Cli, Command, Global};
use crate::connection::{Connection, Environment, Settings};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::{ErrorReport, Format, Printer, Report, Verbosity, listen};

pub use audit_check_proof::CheckProofReport;
pub use audit_checkpoint::CheckpointReport;
pub use audit_cosign::{CosignReport, VkeyReport};
pub use audit_import::ImportReport;
pub use audit_keygen::KeygenReport;
pub use audit_prove::ProofReport;
pub use audit_report::PageReport;
pub use audit_timestamp::TimestampReport;
pub use audit_verify::{Guards, VerifyReport};
pub use backup::{BackupCreateReport, BackupVerifyReport};
pub use backup_restore::BackupRestoreReport;
pub use backup_store::{BackupCheckReport, BackupListReport, BackupPruneReport};
pub use failure::Failure;
pub use message_replay::ReplayReport;
pub use message_verify::MessageReport;
pub use migrate::MigrateReport;
pub use migrate_test::RoundTripReport;
pub use plan_run::PlanReport;
pub use secrets::{ChangeReport, ListReport, ValueReport, WatchReport, WatchedChange};
pub use validate::HealthReport;

/// Runs the command line `arguments` (the program's name first) in this process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => {
            listen(cli.global.verbosity());
            let printer = Printer::of_process(cli.global.format(), cli.global.verbosity());
            let mut context = Context::new(printer, &cli, Environment::of_process(), Interrupt::on_signals());
            context.run(&cli.command)
        }
        Err(error) => {
            let is_json = arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json");
            let format = if is_json { Format::Json } else { Format::Text };
            usage(&error, &arguments, &mut Printer::of_process(format, Verbosity::Normal))
        }
    }
}

/// Help and version are results; everything else that clap has to say is an error.
fn usage(error: &clap::Error, arguments: &[OsString], printer: &mut Printer) -> Exit {
    let is_result = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let rendered = error.render().to_string();
    let text = without_passwords(&rendered, arguments);
    if is_result || (printer.format() == Format::Text && text == rendered) {
        // clap knows which stream and whether colours are wanted. Nobody is left to hear that it failed.
        let _ = error.print();
    } else {
        let message = text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned();
        let _ = printer.failure("", Exit::USAGE, &ErrorReport { message, hint: None });
    }
    if is_result { Exit::DONE } else { Exit::USAGE }
}

/// clap quotes the argument that it does not expect, and that may be a connection string in the wrong place.
fn without_passwords(text: &str, arguments: &[OsString]) -> String {
    let arguments = arguments.iter().skip(1).map(|argument| argument.to_string_lossy());
    arguments
        .filter(|argument| {
            argument.contains("://") || (argument.contains("password") && argument.contains('='))
        })
        .fold(text.to_owned(), |text, argument| text.replace(&*argument, "(connection string)"))
}

/// What commands work with.
struct Context<'a> {
    printer: Printer,
    command: &'static str,
    global: &'a Global,
    environment: Environment,
    interrupt: Interrupt,
}

impl<'a> Context<'a> {
    fn new(printer: Printer, cli: &'a Cli, environment: Environment, interrupt: Interrupt) -> Self {
        Self { printer, command: cli.command.name(), global: &cli.global, environment, interrupt }
    }

    fn run(&mut self, command: &Command) -> Exit {
        let failure = match self.dispatch(command) {
            Ok(exit) => return exit,
            Err(_) if self.interrupt.is_set() => Failure::interrupted(),
            Err(failure) => failure,
        };
        // If not even the error can be told, the exit code tells it.
        let _ = self.printer.failure(self.command, failure.exit, &failure.report);
        failure.exit
    }

    fn dispatch(&mut self, command: &Command) -> Result<Exit, Failure> {
        match command {
            Command::Audit(AuditCommand::Verify(args)) => audit_verify::run(args, self),
            Command::Audit(AuditCommand::Import(args)) => audit_import::run(args, self),
            Command::Audit(AuditCommand::Keygen(args)) => audit_keygen::run(args, self),
            Command::Audit(AuditCommand::Checkpoint(args)) => audit_checkpoint::run(args, self),
            Command::Audit(AuditCommand::Prove(args)) => audit_prove::receipt(args, self),
            Command::Audit(AuditCommand::ProveConsistency(args)) => audit_prove::consistency(args, self),
            Command::Audit(AuditCommand::CheckProof(args)) => audit_check_proof::run(args, self),
            Command::Audit(AuditCommand::Cosign(args)) => audit_cosign::run(args, self),
            Command::Audit(AuditCommand::Vkey(args)) => audit_cosign::vkey(args, self),
            Command::Audit(AuditCommand::Timestamp(args)) => audit_timestamp::run(args, self),
            Command::Audit(AuditCommand::Report(args)) => audit_report::run(args, self),
            Command::Message(MessageCommand::Verify(args)) => message_verify::run(args, self),
            Command::Message(MessageCommand::Replay(args)) => message_replay::run(args, self),
            Command::Backup(BackupCommand::Create(args)) => backup::create(args, self),
            Command::Backup(BackupCommand::Verify(args)) => backup::verify(args, self),
            Command::Backup(BackupCommand::Restore(args)) => backup_restore::run(args, self),
            Command::Backup(BackupCommand::List(args)) => backup_store::list(args, self),
            Command::Backup(BackupCommand::Prune(args)) => backup_store::prune(args, self),
            Command::Backup(BackupCommand::Check(args)) => backup_store::check(args, self),
            Command::Migrate(MigrateCommand::Up(args)) => migrate::up(args, self),
            Command::Migrate(MigrateCommand::Down(args)) => migrate::down(args, self),
            Command::Migrate(MigrateCommand::Status(args)) => migrate::status(args, self),
            Command::Migrate(MigrateCommand::Test(args)) => migrate_test::run(args, self),
            Command::Secrets(args) => secrets::run(args, self),
            Command::Validate(args) => validate::run(args, self),
            Command::Plan(PlanCommand::Run(args)) => plan_run::run(args, self),
            #[cfg(unix)]
            Command::Demo(args) => demo::run(args, self),
            #[cfg(not(unix))]
            Command::Demo(_) => Err(Failure::unsupported("start a PostgreSQL server for the demo")),
            Command::Completions(args) => completions::completions(args, self),
            Command::Man => completions::man(self),
        }
    }

    /// Where to connect, with the warnings that came up.
    fn settings(&mut self) -> Result<Settings, Failure> {
        let mut settings = Settings::resolve(&self.global.source(), &self.environment)?;
        self.take_password(&mut settings)?;
        for warning in &settings.warnings {
            self.printer.warning(format_args!("{warning}"));
        }
        let hosts: Vec<String> = settings.hosts.iter().map(|host| host.describe()).collect();
        self.printer.detail(format_args!(
            "database {} as {} at {}",
            settings.dbname,
            settings.user,
            hosts.join(", ")
        ));
        Ok(settings)
    }

    /// A session that Ctrl-C cancels.
    fn connect(&mut self) -> Result<Connection, Failure> {
        let connection = Connection::open(&self.settings()?)?;
        self.interrupt.cancels(connection.canceller());
        Ok(connection)
    }

    fn report<R: Report>(
        &mut self,
        exit: Exit,
        report: &R,
        error: Option<&ErrorReport>,
    ) -> Result<Exit, Failure> {
        self.printer.report(self.command, exit, report, error).map_err(output_failed)?;
        Ok(exit)
    }
}

fn output_failed(error: io::Error) -> Failure {
    Failure::new(Exit::COULD_NOT_RUN, &OutputError(error), None)
}

/// The result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write the result")]
struct OutputError(#[source] io::Error);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_in_the_wrong_place_is_not_repeated() {
        for string in
            ["postgres://u:topsecret@h/d", "host=h password=topsecret", "--urll=postgres://u:topsecret@h"]
        {
            let arguments = ["af-tools", "audit", "verify", string].map(OsString::from);
            let error = Cli::try_parse_from(&arguments).unwrap_err();
            let text = without_passwords(&error.render().to_string(), &arguments);
            assert!(!text.contains("topsecret"), "{text}");
        }
        let arguments = ["af-tools", "audit", "frobnicate"].map(OsString::from);
        let error = Cli::try_parse_from(&arguments).unwrap_err().render().to_string();
        assert_eq!(without_passwords(&error, &arguments), error);
    }
}
