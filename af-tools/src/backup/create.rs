//! `create`: the dump, and beside it what the database says of itself under the same snapshot.

mod dumper;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::write::GzEncoder;

use super::archive::Archive;
use super::facts::{self, Facts, Found};
use super::files::{self, FileEntry, Unfinished};
use super::manifest::{DUMP, MANIFEST, Manifest, SCHEMA, Used, Versions};
use super::member::{Depth, Member};
use super::store::Lock;
use super::{Compression, Error, Finding, Kind, doing, now, readers, sealed, space, verify};
use crate::connection::{Connection, Settings, begin_snapshot};
use crate::relation::Relation;
use crate::sign::SigningKey;
use crate::watch::Watch;
use dumper::Dumper;

/// What a `critical` backup has the rows of, with what these refer to. The checkpoints and the record of verifications
/// belong to the ledger: without the former, a chain that was cut or rewritten before the backup looks whole after a restore; without
/// the latter, it is not known up to where anybody ever looked.
const CRITICAL: [&str; 7] =
    ["tenants", "users", "rbac_roles", "rbac_bindings", "audits", "audit_checkpoints", "audit_verifications"];
/// Nobody's limit on a statement or a transaction is meant for a dump; pg_dump says the same in its own sessions. Whoever
/// has locked a table is waited for as long by both. `$1` is how long, in milliseconds.
const LIMITS: &str = "SELECT pg_catalog.set_config(name, CASE name WHEN 'lock_timeout' THEN $1 ELSE '0' END, true) \
    FROM pg_catalog.pg_settings \
    WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')";

/// How a backup is to be made.
#[derive(Debug)]
pub struct Options<'a> {
    /// The directory that it appears in.
    pub out: PathBuf,
    /// What it holds.
    pub kind: Kind,
    /// How many tables are dumped at a time.
    pub jobs: u16,
    /// How the dump is compressed.
    pub compression: Compression,
    /// How long each table may be locked by somebody else.
    pub lock_timeout: Duration,
    /// Who signs the manifest.
    pub key: Option<&'a SigningKey>,
}

/// A finished backup.
#[derive(Debug, Clone)]
pub struct Created {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The digest of that.
    pub sha256: String,
    /// Whether it is signed.
    pub is_signed: bool,
}

/// Makes a backup of the database that the session is on, which `settings` lead to. `watch` follows the work in kilobytes.
/// The backup is there whole, or not at all.
pub fn create(
    connection: &mut Connection,
    settings: &Settings,
    options: &Options<'_>,
    watch: &mut dyn Watch,
) -> Result<Created, Error> {
    let started_at = now();
    fs::create_dir_all(&options.out).map_err(files::failed("create directory", &options.out))?;
    let _lock = Lock::shared(&options.out).map_err(files::failed("lock", &options.out))?;
    let host = connection.host.clone();
    let mut transaction = begin_snapshot(&mut connection.client).map_err(doing("begin a transaction"))?;
    let lock_timeout_ms = options.lock_timeout.as_millis().max(1).to_string();
    transaction.query(LIMITS, &[&lock_timeout_ms]).map_err(doing("set the session's limits"))?;
    let (snapshot, database, versions) = state::state(&mut transaction)?;
    let dumper = Dumper::find(settings, &host, versions.server_major, options.jobs)?;
    let versions = Versions { pg_dump_major: dumper.major, ..versions };

    let audits = Relation::find(&mut transaction, "audits")?;
    let ledger_schema = state::schema_of(&mut transaction, &audits)?;
    let tables = facts::tables(&mut transaction)?;
    let is_restricted = state::require_whole(&mut transaction, &tables, &audits)?;
    let roles = state::roles(&mut transaction, &tables)?;
    let critical = match options.kind {
        Kind::Critical => state::with_what_they_refer_to(&mut transaction, &CRITICAL)?,
        Kind::Full | Kind::Schema => BTreeSet::new(),
    };
    let has_rows = |found: &Found| match options.kind {
        Kind::Full => true,
        Kind::Schema => false,
        Kind::Critical => critical.contains(&found.relation.oid),
    };
    let compression = options.compression.available(dumper.major);
    let bytes = tables.iter().filter(|found| has_rows(found)).map(|found| found.bytes).sum();
    space::require(&options.out, bytes, compression)?;

    let (name, partial, unfinished) = begin(&options.out, &database.name, &snapshot.taken_at, options.kind)?;
    let mut arguments =
        vec![format!("--snapshot={}", snapshot.id), format!("--lock-wait-timeout={lock_timeout_ms}")];
    arguments.extend(is_restricted.then(|| "--enable-row-security".to_owned()));
    arguments.extend((options.kind == Kind::Schema).then(|| "--schema-only".to_owned()));
    let left_out = tables.iter().filter(|found| options.kind == Kind::Critical && !has_rows(found));
    arguments.extend(left_out.map(|found| format!("--exclude-table-data={}", found.relation.name)));

    watch.begin(None);
    let dumping = dumper.start(&arguments, compression, &partial)?;
    // While pg_dump is at it.
    let counted = Some(&audits).filter(|_| options.kind != Kind::Schema);
    let mut facts = facts::take(&mut transaction, &tables, &has_rows, counted, watch)?;
    if options.kind == Kind::Schema {
        facts.sequences.clear();
    }
    let (compression, followed) = dumper.finish(dumping, &arguments, compression, &partial, watch)?;
    transaction.commit().map_err(doing("end the transaction"))?;

    let archive = Archive::new(partial.join(DUMP), versions.archive_major())?;
    let schema = archive.schema()?;
    files::write_new(
        &partial.join(SCHEMA),
        &compressed(&schema).map_err(files::failed("compress", Path::new(SCHEMA)))?,
    )?;
    let files = decode(&partial, followed, &archive, &facts, options.jobs, watch)?;
    let omitted = tables.iter().filter(|found| found.is_extensions).map(|found| found.relation.name.clone());
    let manifest = Manifest {
        name,
        kind: options.kind,
        database,
        ledger_schema,
        ledger: audits.name,
        versions,
        compression: Used { asked: options.compression.to_string(), used: compression.to_string() },
        jobs: options.jobs,
        snapshot,
        started_at,
        ended_at: now(),
        facts,
        roles,
        omitted: omitted.collect(),
        schema_sha256: files::sha256(&schema),
        files,
    };
    let sha256 = sealed::write(&partial.join(MANIFEST), &manifest, options.key)?;
    for directory in [partial.join(DUMP), partial] {
        crate::files::sync_directory(&directory)
            .map_err(files::failed("synchronise directory", &directory))?;
    }
    let path = options.out.join(&manifest.name);
    unfinished.finish(&path)?;
    Ok(Created { path, manifest, sha256, is_signed: options.key.is_some() })
}

/// Creates the directory that becomes the backup, under a name that no other has.
fn begin(
    out: &Path,
    database: &str,
    taken_at: &str,
    kind: Kind,
) -> Result<(String, PathBuf, Unfinished), Error> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let database: String = database.chars().map(|char| if is_plain(char) { char } else { '_' }).collect();
    let time: String =
        taken_at.chars().take_while(|char| *char != '.').filter(|char| !"-:".contains(*char)).collect();
    let base = format!("{database}-{time}Z-{}", kind.as_str());
    let mut number = 1_u32;
    loop {
        let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        let partial = out.join(format!("{name}.partial"));
        number += 1;
        if out.join(&name).exists() {
            continue;
        }
        match Unfinished::create(partial.clone()) {
            Ok(unfinished) => return Ok((name, partial, unfinished)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(files::failed("create directory", &partial)(error)),
        }
    }
}

fn compressed(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

/// Reads every file of the backup that is being made, but for those that were `followed` to their end; together they must hold
/// the rows that were counted.
fn decode(
    partial: &Path,
    mut followed: BTreeMap<String, Member>,
    archive: &Archive,
    facts: &Facts,
    jobs: u16,
    watch: &mut dyn Watch,
) -> Result<Vec<FileEntry>, Error> {
    let listed: BTreeMap<String, u64> = files::list(partial)?.into_iter().collect();
    followed.retain(|name, member| listed.get(name) == Some(&member.size));
    let unread = listed.iter().filter(|(name, _)| !followed.contains_key(*name));
    let unread: Vec<(&str, u64)> = unread.map(|(name, size)| (name.as_str(), *size)).collect();
    watch.begin(Some(unread.iter().map(|(_, size)| size).sum::<u64>() >> 10));
    let mut members = readers::read(partial, unread, Depth::Decode, jobs, watch)?;
    members.append(&mut followed);
    let damage =
        |(name, member): (&String, &Member)| Some(format!("{name}: {}", member.rows.as_ref().err()?));
    let mut wrong: Vec<String> = members.iter().filter_map(damage).collect();
    if wrong.is_empty() {
        let rows = verify::rows(archive, &members, watch)?;
        wrong = verify::row_findings(facts, &rows).iter().map(Finding::to_string).collect();
    }
    if !wrong.is_empty() {
        return Err(Error::Incomplete(wrong));
    }
    let entry = |(path, Member { size, sha256, .. })| FileEntry { path, size, sha256 };
    Ok(members.into_iter().map(entry).collect())
}
