//! `af-tools secrets`, and the secrets that other commands need.

mod change;
mod check;
mod input;
mod list;
mod value;
mod watch;

use super::{Context, Failure};
use crate::cli::secrets::{SecretsArgs, SecretsCommand};
use crate::connection::{self, Settings};
use crate::exit::Exit;
use crate::output::ErrorReport;
use crate::secrets::{Chain, Key, Ledger, Place, Recorded, Recorder, SecretsProvider, Version};

pub use change::ChangeReport;
pub use list::ListReport;
pub use value::ValueReport;
pub use watch::{WatchReport, WatchedChange};

/// The variable that says where secrets are, if the command line does not.
const PLACES_VARIABLE: &str = "AF_SECRETS";
/// The variable that names the secret with the database's password, if the command line does not.
const PASSWORD_VARIABLE: &str = "AF_PASSWORD_SECRET";

/// How the command line says that a value was asked for in the wrong place.
fn exposed() -> Failure {
    Failure {
        exit: Exit::USAGE,
        report: ErrorReport {
            message: "secrets: a value does not belong on the command line, where everybody on this machine can read it"
                .to_owned(),
            hint: Some(
                "Give it on standard input, or type it when asked. The one that was given here is known to others now: use \
                 another."
                    .to_owned(),
            ),
        },
    }
}

pub(super) fn run(args: &SecretsArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    // What makes no sense is refused before anything is connected to, or asked for.
    match &args.command {
        SecretsCommand::Set(args) if !args.exposed.is_empty() => return Err(exposed()),
        SecretsCommand::Rotate(args) if !args.exposed.is_empty() => return Err(exposed()),
        _ => {}
    }
    let needs_database = matches!(&args.command, SecretsCommand::Rotate(rotate) if rotate.check_connection);
    if args.audit_tenant.is_none() && context.global.url.is_some() && !needs_database {
        return Err(Failure {
            exit: Exit::USAGE,
            report: ErrorReport {
                message:
                    "secrets: --url names a database, but not in whose chain accesses are to be recorded"
                        .to_owned(),
                hint: Some("Name the tenant with --audit-tenant.".to_owned()),
            },
        });
    }
    let ledger = match &args.audit_tenant {
        Some(tenant) => Some(Box::new(Ledger::open(context.connect()?, tenant)?) as Box<dyn Recorder>),
        None => None,
    };
    let provider = context.recorded_secrets(ledger)?;
    match &args.command {
        SecretsCommand::List => list::run(&provider, context),
        SecretsCommand::Get(args) => value::run(args, &provider, context),
        SecretsCommand::Set(args) => change::set(args, &provider, context),
        SecretsCommand::Delete(args) => change::delete(args, &provider, context),
        SecretsCommand::Rotate(args) => change::rotate(args, &provider, context),
        SecretsCommand::Watch(args) => watch::run(args, &provider, context),
    }
}

impl Context<'_> {
    /// The secrets in the places that the user says, or else in the usual ones, without a log of accesses.
    pub(super) fn secrets(&self) -> Result<Chain, Failure> {
        let options = &self.global.secrets;
        let places = match self.environment.get(PLACES_VARIABLE) {
            _ if !options.places.is_empty() => options.places.clone(),
            Some(places) => Place::list(places)?,
            None => Place::usual(&self.environment),
        };
        Ok(Place::open(&places, options.rules(), &self.environment)?)
    }

    /// The same with a log of accesses, by the user of this process.
    fn recorded_secrets(&self, recorder: Option<Box<dyn Recorder>>) -> Result<Recorded<Chain>, Failure> {
        let actor = self.environment.user.clone().unwrap_or_else(|| "unknown".to_owned());
        Ok(Recorded::new(self.secrets()?, actor, recorder))
    }

    /// The secret that has the password for these settings, if one is asked for. What the command line asks for goes before
    /// everything, and contradicts a password in the connection string; what the variable asks for goes before `PGPASSWORD`
    /// and the password file.
    pub(super) fn password_secret(&self, settings: &Settings) -> Result<Option<Key>, Failure> {
        match (&self.global.secrets.password_secret, self.environment.get(PASSWORD_VARIABLE)) {
            (Some(_), _) if settings.has_explicit_password => {
                let reason = "--password-secret is given, and so is one in the connection string".to_owned();
                Err(connection::Error::InvalidValue { keyword: "password", reason }.into())
            }
            (Some(key), _) => Ok(Some(key.clone())),
            (None, Some(key)) if !settings.has_explicit_password => Ok(Some(key.parse()?)),
            _ => Ok(None),
        }
    }

    /// Puts the password from a secret into the settings, if one is asked for.
    pub(super) fn take_password(&self, settings: &mut Settings) -> Result<(), Failure> {
        if let Some(key) = self.password_secret(settings)? {
            let found = self.recorded_secrets(None)?.get(&key, Version::Current)?;
            settings.set_password(&found.secret);
        }
        Ok(())
    }
}
