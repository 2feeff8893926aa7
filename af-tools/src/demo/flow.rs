//! The steps of the demo, without a word about them: the observer tells the story.

use std::io::{self, Read};
use std::path::PathBuf;

use af_queries::queries::{self, demo::ChooseEntry};
use postgres::Client;
use serde::Serialize;
use uuid::Uuid;

use super::generate;
use crate::audit::import::{self, Summary};
use crate::audit::verify::{self, Method, Verification};
use crate::connection::{self, Connection, Environment, Settings, Source};
use crate::exit::Exit;
use crate::migrate::{self, History, Migrations, UpOptions};
use crate::server::ServerError;
use crate::throwaway::{self, Server};
use crate::watch::Unwatched;

const DATABASE: &str = "demo";
const GENERATED_EVENTS: u64 = 3_000;

/// What the demo is to do.
#[derive(Default)]
pub struct Options {
    /// Leave the server running.
    pub keep: bool,
    /// Events in the format of `audit import`, instead of generated ones.
    pub input: Option<Box<dyn Read>>,
}

/// A step that is done.
#[derive(Debug)]
pub enum Step<'a> {
    /// The server accepts connections.
    Started {
        /// Its version.
        version: &'a str,
        /// Where it lives.
        directory: PathBuf,
    },
    /// Extension and tables are there.
    Migrated {
        /// The version of the extension.
        extension: &'a str,
    },
    /// The events are stored.
    Imported(&'a Summary),
    /// Both verifiers have looked at the untouched ledger.
    Verified(&'a Verified),
    /// The guard has refused an UPDATE.
    Refused(&'a str),
    /// The entry was edited behind the guard's back.
    Edited(&'a Edit),
    /// Both verifiers have looked again.
    VerifiedAgain(&'a Verified),
}

/// Follows the demo.
pub trait Observer {
    /// A step is done.
    fn step(&mut self, step: Step<'_>) -> io::Result<()>;
    /// Whether the demo should be given up.
    fn is_interrupted(&self) -> bool;
}

/// What both verifiers say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verified {
    /// `af_audit_verify()`.
    pub in_database: Verification,
    /// `af-tools audit verify`.
    pub outside: Verification,
}

/// An edit of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Whose entry it is.
    pub tenant_id: Uuid,
    /// The tenant's name.
    pub tenant: String,
    /// Its position.
    pub seq: i64,
    /// Its identity.
    pub id: Uuid,
    /// What it records.
    pub action: String,
    /// Its details before.
    pub before: String,
    /// Its details after.
    pub after: String,
    /// The statements that did it.
    pub statements: Vec<String>,
}

/// Whether the edit was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Caught {
    /// By both verifiers, at that entry, and nothing else was.
    Exactly,
    /// Not, or not as it should be.
    No,
}

/// A server that is left running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The database's URL.
    pub url: String,
    /// A shell command that stops the server and removes everything.
    pub stop_command: String,
}

/// What the demo did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Demo {
    /// The server's version.
    pub server_version: String,
    /// What was imported.
    pub import: Summary,
    /// Both verdicts on the untouched ledger.
    pub before: Verified,
    /// What the guard said to an UPDATE.
    pub refusal: String,
    /// What was edited behind its back.
    pub edit: Edit,
    /// Both verdicts afterwards.
    pub after: Verified,
    /// Whether the edit was found.
    pub caught: Caught,
    /// The server, if it was kept.
    pub kept: Option<Kept>,
}

/// Why the demo could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server cannot be started or stopped.
    #[error("run a PostgreSQL server for the demo")]
    Throwaway(#[from] throwaway::Error),
    /// No connection to it.
    #[error(transparent)]
    Connection(#[from] connection::Error),
    /// The schema could not be created.
    #[error(transparent)]
    Migrate(#[from] migrate::Error),
    /// The events could not be stored.
    #[error(transparent)]
    Import(#[from] import::Error),
    /// Lines of the input were refused.
    #[error("import: {count} of {lines} lines refused, the first is line {line}: {reason}")]
    Refused {
        /// How many.
        count: u64,
        /// Out of how many.
        lines: u64,
        /// The first one.
        line: u64,
        /// Why.
        reason: String,
    },
    /// There is nothing to tamper with.
    #[error("import: the input holds no events")]
    NoEvents,
    /// A verification could not be made.
    #[error(transparent)]
    Verify(#[from] verify::Error),
    /// The untouched ledger does not verify.
    #[error("verify: the ledger does not verify although nobody has touched it ({0} findings)")]
    NotIntact(u64),
    /// The guard let an UPDATE through.
    #[error("update an entry: the guard did not refuse it")]
    NotGuarded,
    /// A statement of the demo's own failed.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What the server said.
        source: ServerError,
    },
    /// The story cannot be told.
    #[error("write the result")]
    Output(#[from] io::Error),
    /// The user has seen enough.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// How the process ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotIntact(_) | Self::NotGuarded => Exit::FINDING,
            Self::Interrupted => Exit::INTERRUPTED,
            _ => Exit::COULD_NOT_RUN,
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Throwaway(throwaway::Error::NotInstalled(_)) => Some(
                "Install one (`apt install postgresql-15`), or name its pg_config in PG_CONFIG.".to_owned(),
            ),
            Self::Connection(error) => error.hint(),
            Self::Migrate(error) => error.hint(),
            Self::Import(error) => error.hint(),
            Self::Verify(error) => error.hint(),
            Self::Server { source, .. } => source.hint(),
            _ => None,
        }
    }
}

fn doing(doing: &'static str) -> impl FnOnce(postgres::Error) -> Error {
    move |error| Error::Server { doing, source: error.into() }
}

/// Shows everything.
pub fn run(options: Options, observer: &mut dyn Observer) -> Result<Demo, Error> {
    let server = Server::start(&throwaway::Options::default())?;
    server.create_database(DATABASE)?;
    let url = server.url(DATABASE);
    // The demo's own server, whatever the environment says about others.
    let environment = Environment { user: Some(server.superuser().to_owned()), ..Environment::default() };
    let settings = Settings::resolve(&Source { url: Some(url.clone()), schema: None }, &environment)?;
    let mut client = Connection::open(&settings)?.client;
    let server_version = show(&mut client, "SELECT split_part(current_setting('server_version'), ' ', 1)")?;
    advance(observer, Step::Started { version: &server_version, directory: server.socket_dir().to_owned() })?;

    let mut history = History::open_or_begin(&settings)?;
    migrate::up(
        &mut history,
        &Migrations::read(&migrate::Source::Embedded)?,
        &UpOptions::default(),
        &mut (),
    )?;
    let extension = show(&mut client, "SELECT extversion FROM pg_extension WHERE extname = 'pg_af'")?;
    advance(observer, Step::Migrated { extension: &extension })?;

    let import = import(&mut client, options.input)?;
    advance(observer, Step::Imported(&import))?;

    let before = verify(&mut client)?;
    advance(observer, Step::Verified(&before))?;
    let findings = before.in_database.findings_total + before.outside.findings_total;
    if findings > 0 {
        return Err(Error::NotIntact(findings));
    }

    let mut edit = choose(&mut client)?;
    let refusal = try_update(&mut client, &edit)?;
    advance(observer, Step::Refused(&refusal))?;
    tamper(&mut client, &mut edit)?;
    advance(observer, Step::Edited(&edit))?;

    let after = verify(&mut client)?;
    advance(observer, Step::VerifiedAgain(&after))?;
    let caught = judge(&edit, &after);
    drop(client);
    let kept =
        if options.keep { Some(Kept { url, stop_command: server.keep()?.stop_command }) } else { None };
    Ok(Demo { server_version, import, before, refusal, edit, after, caught, kept })
}

fn advance(observer: &mut dyn Observer, step: Step<'_>) -> Result<(), Error> {
    observer.step(step)?;
    if observer.is_interrupted() { Err(Error::Interrupted) } else { Ok(()) }
}

fn show(client: &mut Client, query: &str) -> Result<String, Error> {
    let row = client.query_one(query, &[]).map_err(doing("ask for a version"))?;
    row.try_get(0).map_err(doing("ask for a version"))
}

fn import(client: &mut Client, input: Option<Box<dyn Read>>) -> Result<Summary, Error> {
    let options = import::Options { keep_going: false, max_refusals: 1 };
    let input = input.unwrap_or_else(|| Box::new(io::Cursor::new(generate(GENERATED_EVENTS))));
    let summary = import::import(client, input, &options, &mut Unwatched)?;
    match summary.refusals.first() {
        Some(first) => Err(Error::Refused {
            count: summary.refused,
            lines: summary.lines,
            line: first.line,
            reason: first.reason.clone(),
        }),
        None if summary.stored == 0 => Err(Error::NoEvents),
        None => Ok(summary),
    }
}

fn verify(client: &mut Client) -> Result<Verified, Error> {
    let mut by = |method| {
        let options = verify::Options { method, max_findings: 10, ..verify::Options::new() };
        verify::verify(client, Vec::new(), &options, &mut Unwatched)
    };
    Ok(Verified { in_database: by(Method::InDatabase)?, outside: by(Method::Outside)? })
}

/// An entry well inside the longest chain; one that moves money, if there is one.
fn choose(client: &mut Client) -> Result<Edit, Error> {
    let entry = queries::demo::choose_entry().bind(client).one().map_err(doing("choose an entry"))?;
    let ChooseEntry { tenant_id, tenant, seq, id, action, details: before, has_amount } = entry;
    let details = if has_amount {
        "jsonb_set(details, '{amount}', to_jsonb((details ->> 'amount')::numeric + 10000))"
    } else {
        "details || '{\"reviewed\": true}'"
    };
    Ok(Edit {
        tenant_id,
        tenant,
        seq,
        id,
        action,
        before,
        after: String::new(),
        statements: vec![
            "ALTER TABLE audits DISABLE TRIGGER af_audit_guard".to_owned(),
            format!("UPDATE audits SET details = {details} WHERE tenant_id = '{tenant_id}' AND seq = {seq}"),
            "ALTER TABLE audits ENABLE ALWAYS TRIGGER af_audit_guard".to_owned(),
        ],
    })
}

/// What the guard says to the UPDATE alone.
fn try_update(client: &mut Client, edit: &Edit) -> Result<String, Error> {
    match client.batch_execute(&edit.statements[1]) {
        Ok(()) => Err(Error::NotGuarded),
        Err(error) => match error.as_db_error() {
            Some(refused) => Ok(refused.message().to_owned()),
            None => Err(doing("update an entry")(error)),
        },
    }
}

fn tamper(client: &mut Client, edit: &mut Edit) -> Result<(), Error> {
    const DOING: &str = "edit an entry behind the guard's back";
    client.batch_execute(&edit.statements.join(";\n")).map_err(doing(DOING))?;
    let after = queries::audits::details_as_text().bind(client, &edit.tenant_id, &edit.seq).one();
    edit.after = after.map_err(doing(DOING))?;
    Ok(())
}

/// Whether both verifiers name the edited entry and no other.
fn judge(edit: &Edit, after: &Verified) -> Caught {
    let is_exact = |verification: &Verification| {
        verification.findings_total == 1
            && verification.findings.iter().all(|finding| {
                (finding.tenant_id, finding.seq) == (Some(edit.tenant_id), Some(edit.seq))
                    && finding.finding == "altered"
            })
    };
    if is_exact(&after.in_database) && is_exact(&after.outside) { Caught::Exactly } else { Caught::No }
}
