//! The drill: whether a restored database is what the manifest says, down to the last entry of each chain.

mod compare;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use similar::TextDiff;
use uuid::Uuid;

use super::facts::{self, Facts, Head};
use super::manifest::Manifest;
use super::select::Part;
use super::{Error, Kind, doing, files, verify};
use crate::audit::verify::{Method, Status, Verification};
use crate::connection::{Connection, Settings, begin_snapshot};
use crate::message::{self, Selection};
use crate::watch::Watch;
use crate::{audit, guards, programs};

/// How many lines around a difference are shown.
const CONTEXT_LINES: usize = 2;
/// How many findings of a verification are told.
const MAX_FINDINGS: usize = 20;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There is nothing of the kind in the backup.
    NotApplicable,
    /// It is as it was.
    Ok,
    /// It cannot be told.
    Unprovable,
    /// It is not as it was.
    Differs,
}

impl Verdict {
    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Ok => "ok",
            Self::Unprovable => "unprovable",
            Self::Differs => "differs",
        }
    }
}

/// One check of the drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What differs, or why it cannot be told.
    pub details: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// A verdict, and what it rests on.
type Judged = (Verdict, Vec<String>);

/// Checks the database that `settings` lead to, which was restored from the backup in `path`, with so many sessions where
/// they can share the work. Says as well who has verified the chains.
///
/// Unless it is wanted from `outside`, the server does that, by the function of the extension that is installed on it: what is in
/// a backup, or was on the server that it was made of, has no part in that.
pub(super) fn drill(
    settings: &Settings,
    path: &Path,
    manifest: &Manifest,
    jobs: u16,
    is_outside: bool,
    watch: &mut dyn Watch,
) -> Result<(Vec<Check>, Method), Error> {
    let settings = Settings { schema: Some(manifest.ledger_schema.clone()), ..settings.clone() };
    let mut connection = Connection::open(&settings)?;
    let start = Instant::now();
    let schema = schema(&mut connection, &settings, path, manifest)?;
    let mut checks = vec![check("schema", start, schema)];

    let start = Instant::now();
    let restored = facts(&mut connection, watch)?;
    checks.push(check("rows", start, compare::rows(&manifest.facts, &restored)));
    for (name, judge) in [
        ("constraints", compare::not_valid as fn(&Facts, &Facts) -> Judged),
        ("sequences", compare::sequences),
        ("owners and grants", compare::owners_and_grants),
        ("row-level security", compare::row_security),
        ("triggers", compare::triggers),
    ] {
        checks.push(check(name, Instant::now(), judge(&manifest.facts, &restored)));
    }

    let start = Instant::now();
    let is_genuine = !is_outside
        && guards::has_genuine_functions(&mut connection.client)
            .map_err(|source| Error::Server { doing: "look at the extension's functions", source })?;
    let method = if is_genuine { Method::InDatabase } else { Method::Outside };
    let chains = chains(&mut connection, manifest, None, method, jobs, watch)?;
    checks.push(check("chains", start, chains));
    let start = Instant::now();
    let messages = messages(&mut connection, manifest, None, watch)?;
    checks.push(check("messages", start, messages));
    Ok((checks, method))
}

/// Checks what can be checked of a part: the rows of whole tables, and chains and messages where they are in it.
pub(super) fn drill_part(
    connection: &mut Connection,
    manifest: &Manifest,
    part: &Part,
    jobs: u16,
    watch: &mut dyn Watch,
) -> Result<Vec<Check>, Error> {
    let tenant = part.selection.tenant;
    let mut checks = Vec::new();
    if tenant.is_none() {
        checks.push(check("rows", Instant::now(), compare::part_rows(&manifest.facts, part)));
    }
    let start = Instant::now();
    let chains = if part.rows.contains_key(&manifest.ledger) {
        chains(connection, manifest, tenant, Method::Outside, jobs, watch)?
    } else {
        (Verdict::NotApplicable, Vec::new())
    };
    checks.push(check("chains", start, chains));
    let start = Instant::now();
    let messages = if part.rows.get(&manifest.platform_table("messages")).is_some_and(|rows| *rows > 0) {
        messages(connection, manifest, tenant, watch)?
    } else {
        (Verdict::NotApplicable, Vec::new())
    };
    checks.push(check("messages", start, messages));
    Ok(checks)
}

fn check(name: &str, start: Instant, (verdict, details): Judged) -> Check {
    Check { name: name.to_owned(), verdict, details, seconds: start.elapsed().as_secs_f64() }
}

/// Line by line, by what pg_dump tells of both.
fn schema(
    connection: &mut Connection,
    settings: &Settings,
    path: &Path,
    manifest: &Manifest,
) -> Result<Judged, Error> {
    let noted = verify::schema_text(path)?;
    if files::sha256(&noted) != manifest.schema_sha256 {
        return Ok((Verdict::Differs, vec!["the backup's own text of the schema was changed".to_owned()]));
    }
    let major = super::database::server_major(&mut connection.client)?;
    let pg_dump = programs::find("pg_dump", major)?;
    let mut command = programs::command(&pg_dump, settings, &connection.host);
    command.args(["--schema-only", "--no-password"]);
    let restored = programs::normalised_schema(&String::from_utf8_lossy(&programs::output(command)?));
    if restored == noted {
        return Ok((Verdict::Ok, Vec::new()));
    }
    let diff = TextDiff::from_lines(&noted, &restored);
    let diff = diff.unified_diff().context_radius(CONTEXT_LINES).to_string();
    if major == manifest.versions.server_major {
        return Ok((Verdict::Differs, vec![diff]));
    }
    let why = format!(
        "PostgreSQL {} and {major} tell of some things in other words, so it is for people to say whether these lines \
         mean the same:\n{diff}",
        manifest.versions.server_major
    );
    Ok((Verdict::Unprovable, vec![why]))
}

/// What the restored database says of itself. The heads of its chains come from verification.
fn facts(connection: &mut Connection, watch: &mut dyn Watch) -> Result<Facts, Error> {
    let mut transaction = begin_snapshot(&mut connection.client).map_err(doing("begin a transaction"))?;
    let tables = facts::tables(&mut transaction)?;
    let facts = facts::take(&mut transaction, &tables, &|_| true, None, watch)?;
    transaction.commit().map_err(doing("end the transaction"))?;
    Ok(facts)
}

/// Every chain is verified, and its head compared.
fn chains(
    connection: &mut Connection,
    manifest: &Manifest,
    tenant: Option<Uuid>,
    method: Method,
    jobs: u16,
    watch: &mut dyn Watch,
) -> Result<Judged, Error> {
    if manifest.kind == Kind::Schema {
        return Ok((Verdict::NotApplicable, Vec::new()));
    }
    let is_meant = |head: &&Head| tenant.is_none_or(|tenant| head.tenant_id == tenant.to_string());
    let heads: Vec<Head> = manifest.facts.heads.iter().filter(is_meant).cloned().collect();
    if let (Some(tenant), []) = (tenant, heads.as_slice()) {
        return Ok((Verdict::Unprovable, vec![format!("the backup has no entry of tenant {tenant}")]));
    }
    // The server divides its own work.
    let jobs = if jobs > 1 && method == Method::Outside { jobs } else { 0 };
    let jobs = (0..jobs).map(|_| connection.another()).collect::<Result<_, _>>()?;
    let tenants = tenant.into_iter().collect();
    let options = audit::verify::Options {
        tenants,
        method,
        max_findings: MAX_FINDINGS,
        ..audit::verify::Options::new()
    };
    let verification = audit::verify::verify(&mut connection.client, jobs, &options, watch)?;
    Ok(judged_chains(&heads, &verification))
}

/// Intact chains with other heads are not the ones that were backed up.
fn judged_chains(heads: &[Head], verification: &Verification) -> Judged {
    let mut details: Vec<String> = verification
        .findings
        .iter()
        .map(|finding| {
            let tenant = finding.tenant_id.map_or_else(|| "(null)".to_owned(), |id| id.to_string());
            let seq = finding.seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
            format!("{} at seq {seq} of tenant {tenant}: {}", finding.finding, finding.detail)
        })
        .collect();
    let mut restored: BTreeMap<String, (Option<i64>, Option<&str>)> = BTreeMap::new();
    for chain in &verification.chains {
        let tenant = chain.tenant_id.map_or_else(|| "(null)".to_owned(), |id| id.to_string());
        restored.insert(tenant, (chain.head_seq, chain.head_hash.as_deref()));
    }
    for head in heads {
        match restored.remove(&head.tenant_id) {
            Some((Some(seq), Some(hash))) if seq == head.seq && hash == head.hash => {}
            Some((seq, hash)) => details.push(format!(
                "the chain of tenant {} ends at seq {} with {}, and ended at seq {} with {}",
                head.tenant_id,
                seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string()),
                hash.unwrap_or("no hash"),
                head.seq,
                head.hash
            )),
            None => details.push(format!("the chain of tenant {} is not there", head.tenant_id)),
        }
    }
    details.extend(restored.into_keys().map(|tenant| format!("the chain of tenant {tenant} was not there")));
    if !details.is_empty() {
        return (Verdict::Differs, details);
    }
    match verification.status {
        Status::Ok | Status::Empty => (Verdict::Ok, details),
        Status::Partial => {
            let note = verification.chains.iter().find_map(|chain| chain.note.clone());
            (Verdict::Unprovable, note.into_iter().collect())
        }
        Status::Tampered => (Verdict::Differs, vec!["the chains are not intact".to_owned()]),
    }
}

/// Every message's envelope is hashed again.
fn messages(
    connection: &mut Connection,
    manifest: &Manifest,
    tenant: Option<Uuid>,
    watch: &mut dyn Watch,
) -> Result<Judged, Error> {
    let name = manifest.platform_table("messages");
    let rows = manifest.facts.tables.iter().find(|table| table.name == name).and_then(|table| table.rows);
    if rows.unwrap_or_default() == 0 {
        return Ok((Verdict::NotApplicable, Vec::new()));
    }
    let selection = Selection { tenants: tenant.into_iter().collect(), ..Selection::default() };
    let verification = message::verify::verify(connection, &selection, MAX_FINDINGS, watch)?;
    Ok(match verification.status {
        Status::Ok => (Verdict::Ok, Vec::new()),
        Status::Empty => (Verdict::Differs, vec!["there are no messages".to_owned()]),
        Status::Partial => {
            (Verdict::Unprovable, vec!["row-level security may hide messages from this role".to_owned()])
        }
        Status::Tampered => {
            let details = verification.findings.iter().map(|finding| {
                let id = finding.id.map_or_else(|| "(null)".to_owned(), |id| id.to_string());
                format!("{}: message {id}: {}", finding.finding, finding.detail)
            });
            (Verdict::Differs, details.collect())
        }
    })
}
