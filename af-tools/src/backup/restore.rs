//! `restore`: a backup becomes a new database, which then has to prove that it is the old one.

use std::path::Path;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::database::{NewDatabase, drop_database, maintenance_session, swap};
use super::drill::{self, Check, Verdict};
use super::manifest::Manifest;
use super::sealed::{Content, Opened};
use super::select::Part;
use super::{Error, Kind, doing, now, sealed, verify};
use crate::audit::verify::Method;
use crate::connection::{Connection, Settings};
use crate::programs::{self, Running};
use crate::sign::SigningKey;
use crate::watch::Watch;

/// The step of a receipt that its checks are made in.
pub const CHECK_STEP: &str = "check";

/// How a backup is to be restored.
#[derive(Debug, Clone)]
pub struct Options {
    /// The new database's name.
    pub into: String,
    /// How many sessions restore, and verify.
    pub jobs: u16,
    /// Give the new database the name of the one that the backup was made of, which keeps another one.
    pub swap: bool,
    /// Create roles that are not there, without the right to log in.
    pub create_roles: bool,
    /// From which database the new one is created.
    pub maintenance: Option<String>,
    /// Have this program verify the chains, entry by entry, and not the server.
    pub is_outside: bool,
}

/// What a restore came to: the content of the receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The backup's name.
    pub backup: String,
    /// The digest of its manifest.
    pub manifest_sha256: String,
    /// What it holds.
    pub kind: Kind,
    /// The database that it was made of.
    pub database: String,
    /// The database that it was restored into.
    pub into: String,
    /// The server's version.
    pub server: String,
    /// This program's.
    pub af_tools: String,
    /// When the work began, in RFC 3339.
    pub started_at: String,
    /// When it ended.
    pub ended_at: String,
    /// When the backup's snapshot was taken.
    pub taken_at: String,
    /// How old the snapshot was when the work began: what was written since is not in the backup (RPO).
    pub rpo_seconds: u64,
    /// How long everything took (RTO).
    pub rto_seconds: f64,
    /// How long each step took.
    pub steps: Vec<Step>,
    /// What was checked in the new database.
    pub checks: Vec<Check>,
    /// Who has verified the chains: this program, or the server by the function of its extension.
    pub chains_verified: Method,
    /// The worst of all checks.
    pub verdict: Verdict,
    /// What was restored, if that is not everything.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<Part>,
    /// Whether the database was dropped again, as after a rehearsal.
    pub is_dropped: bool,
    /// Under which name the database goes that was there before, if they have swapped names.
    pub kept_as: Option<String>,
}

impl Content for Receipt {
    const FORMAT: &'static str = "af-tools restore receipt 1";
}

/// How long a step took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub name: String,
    /// How long.
    pub seconds: f64,
}

/// Measures the steps.
pub(super) struct Clock {
    began: Instant,
    last: Instant,
    steps: Vec<Step>,
}

impl Clock {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, steps: Vec::new() }
    }

    pub(super) fn step(&mut self, name: &str) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        self.steps.push(Step { name: name.to_owned(), seconds });
    }
}

/// Restores the backup in a directory into a new database of the server that `settings` lead to, and checks it there. Where
/// the restore fails, the new database is dropped again; where a check does, it stays to be looked at, and no names are
/// swapped.
pub fn restore(
    path: &Path,
    settings: &Settings,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Receipt, Error> {
    let (started_at, mut clock) = (now(), Clock::start());
    let opened = verify::manifest(path)?;
    let manifest = &opened.content;
    verify::require_whole(path, manifest, options.jobs, watch)?;
    clock.step("hash the files");
    if options.swap && options.into == manifest.database.name {
        return Err(Error::SwapWithItself(options.into.clone()));
    }
    let mut new = NewDatabase::create(settings, manifest, options)?;
    clock.step("create the database");
    pg_restore(&verify::archive(path, manifest)?, &new, options.jobs, &[], watch)?;
    clock.step("restore");
    let (checks, method) = beside_analyse(&new.settings, &mut clock, || {
        drill::drill(&new.settings, path, manifest, options.jobs, options.is_outside, watch)
    })?;
    let mut into = options.into.clone();
    new.is_kept = true;
    let kept_as = if options.swap && worst(&checks) == Verdict::Ok {
        let kept_as = swap(&mut new.connection.client, &into, &manifest.database.name, &started_at)
            .map_err(|source| Error::Swap { into: into.clone(), source: source.into() })?;
        clock.step("swap names");
        into.clone_from(&manifest.database.name);
        kept_as
    } else {
        None
    };
    let mut receipt = Receipt::new(&opened, into, new.server.clone(), started_at, clock, checks);
    receipt.chains_verified = method;
    receipt.kept_as = kept_as;
    Ok(receipt)
}

impl Receipt {
    pub(super) fn new(
        opened: &Opened<Manifest>,
        into: String,
        server: String,
        started_at: String,
        clock: Clock,
        checks: Vec<Check>,
    ) -> Self {
        let manifest = &opened.content;
        Self {
            backup: manifest.name.clone(),
            manifest_sha256: opened.sha256.clone(),
            kind: manifest.kind,
            database: manifest.database.name.clone(),
            into,
            server,
            af_tools: env!("CARGO_PKG_VERSION").to_owned(),
            rpo_seconds: age(&manifest.snapshot.taken_at, &started_at),
            started_at,
            ended_at: now(),
            taken_at: manifest.snapshot.taken_at.clone(),
            rto_seconds: clock.began.elapsed().as_secs_f64(),
            steps: clock.steps,
            chains_verified: Method::Outside,
            verdict: worst(&checks),
            checks,
            part: None,
            is_dropped: false,
            kept_as: None,
        }
    }
}

/// Without a check, nothing is proven.
fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Unprovable)
}

/// Restores the backup into a database that is dropped again, and says what was found there.
pub fn rehearse(
    path: &Path,
    settings: &Settings,
    jobs: u16,
    is_outside: bool,
    maintenance: Option<String>,
    watch: &mut dyn Watch,
) -> Result<Receipt, Error> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let into = format!("af_backup_verify_{}_{}", std::process::id(), since.as_nanos());
    let options = Options { into, jobs, swap: false, create_roles: false, maintenance, is_outside };
    let mut receipt = restore(path, settings, &options, watch)?;
    let (mut connection, _) = maintenance_session(settings, options.maintenance.as_deref())?;
    drop_database(&mut connection.client, &options.into)?;
    receipt.is_dropped = true;
    Ok(receipt)
}

/// Writes a receipt, signed if there is a key. Returns its digest.
pub fn write_receipt(path: &Path, receipt: &Receipt, key: Option<&SigningKey>) -> Result<String, Error> {
    sealed::write(path, receipt, key)
}

/// How many seconds lie between two times; 0 where the clocks say that it is less than none.
fn age(earlier: &str, later: &str) -> u64 {
    let parse = |text| humantime::parse_rfc3339(text).unwrap_or(UNIX_EPOCH);
    parse(later).duration_since(parse(earlier)).unwrap_or_default().as_secs()
}

/// Has pg_restore bring an archive, or the part that `arguments` name, into the new database.
pub(super) fn pg_restore(
    archive: &Archive,
    new: &NewDatabase,
    jobs: u16,
    arguments: &[&str],
    watch: &mut dyn Watch,
) -> Result<(), Error> {
    let mut command = programs::command(&archive.pg_restore, &new.settings, &new.host);
    // By itself it goes on after an error, and counts them in the end.
    command.args(["--exit-on-error", "--no-password"]).arg(format!("--jobs={jobs}")).args(arguments);
    // A bare name could be read as a connection string.
    let name = new.settings.dbname.replace('\\', "\\\\").replace('\'', "\\'");
    command.arg(format!("--dbname=dbname='{name}'")).arg(&archive.path);
    let running = Running::start(command)?;
    if running.wait(&mut || watch.is_interrupted())? { Ok(()) } else { Err(Error::Interrupted) }
}

/// pg_restore brings no statistics, and without them the first queries would be slow. They are gathered while the database is
/// checked, which does not need them.
fn beside_analyse<T>(
    settings: &Settings,
    clock: &mut Clock,
    check: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut connection = Connection::open(settings)?;
    let canceller = connection.canceller();
    thread::scope(|scope| {
        let analysing = scope.spawn(move || connection.client.batch_execute("ANALYZE"));
        let checks = check();
        clock.step(CHECK_STEP);
        if checks.is_err() {
            canceller.cancel();
        }
        let analysed = analysing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        clock.step("finish analysing");
        let checks = checks?;
        analysed.map_err(doing("analyse the restored tables"))?;
        Ok(checks)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_not_negative() {
        assert_eq!(age("2026-11-25T10:00:00.5Z", "2026-11-25T11:00:00Z"), 3599);
        assert_eq!(age("2026-11-25T11:00:00Z", "2026-11-25T10:00:00Z"), 0);
    }
}
