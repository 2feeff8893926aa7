//! Verification: every entry is hashed again, every link compared, every position counted.
//!
//! [`Method::Outside`] pulls the stored columns and believes nothing that the server computes;
//! [`Method::InDatabase`] lets the server's own `af_audit_verify()` do it. Both give the same
//! [`Verification`], but for what only the server finds: chains that are not what the checkpoints
//! in the table `audit_checkpoints` say they were.

mod compare;
mod inside;
mod outside;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use af_core::chain::{self, Anchor, View};
use af_core::merkle::{CompactRange, Tree, Wanted};
use af_queries::queries::tenants;
use postgres::{Client, Transaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use compare::{Comparison, Outcome};

pub(super) use outside::entry::entry;

use super::columns::AUDIT_COLUMNS;
use crate::checkpoint::{Held, Identity};
use crate::connection::{Connection, begin_snapshot};
use crate::copy::CopyError;
use crate::relation::{Relation, RelationError};
use crate::server::ServerError;
use crate::wal;
use crate::watch::{Watch, rate};

/// Who recomputes the hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// This program.
    Outside,
    /// The server.
    InDatabase,
}

/// What is to be verified.
#[derive(Debug, Clone)]
pub struct Options {
    /// These chains; all of them if there is none.
    pub tenants: Vec<Uuid>,
    /// Who recomputes the hashes.
    pub method: Method,
    /// How many findings are kept; all are counted.
    pub max_findings: usize,
    /// Entries whose hash was recorded before, at most one of a chain: of their chains only what came since is read.
    pub since: Vec<Anchor>,
    /// Which trees are built of the entries on the way; none with [`Method::InDatabase`], which does not pull them.
    pub trees: Trees,
    /// What is compared with those trees. Their sizes are among those that are wanted.
    pub checkpoints: Vec<Held>,
    /// How many entries are read by one statement where the work is divided; if `None`, what suits the jobs.
    pub range_entries: Option<u64>,
}

impl Options {
    /// Everything, from outside.
    pub fn new() -> Self {
        Self {
            tenants: Vec::new(),
            method: Method::Outside,
            max_findings: 1_000,
            since: Vec::new(),
            trees: Trees::default(),
            checkpoints: Vec::new(),
            range_entries: None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Trees over chains, built while their entries are read.
#[derive(Debug, Clone, Default)]
pub struct Trees {
    /// Which, and at which sizes their roots are wanted.
    pub wanted: Wanted,
    /// Of chains that are read from a recorded entry on: what was kept of the tree before that entry.
    pub kept: BTreeMap<Uuid, CompactRange>,
}

/// The verdict on a chain, or on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Intact, as far as entries can show.
    Ok,
    /// There was nothing to check.
    Empty,
    /// Nothing was found, but not everything could be checked.
    Partial,
    /// Something was found.
    Tampered,
}

impl Status {
    /// The name used in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Partial => "partial",
            Self::Tampered => "tampered",
        }
    }
}

impl From<chain::Status> for Status {
    fn from(status: chain::Status) -> Self {
        match status {
            chain::Status::Ok => Self::Ok,
            chain::Status::Tampered => Self::Tampered,
            chain::Status::Partial => Self::Partial,
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whose chain it is in.
    pub tenant_id: Option<Uuid>,
    /// The position; of the first entry that is not there, where entries are missing.
    pub seq: Option<i64>,
    /// The entry, where there is one.
    pub id: Option<Uuid>,
    /// Its kind: altered, relinked, missing, reordered, duplicated, truncated, rewritten,
    /// rolled_back, foreign or unsealed.
    pub finding: String,
    /// The same for people.
    pub detail: String,
}

impl From<chain::Finding> for Finding {
    fn from(finding: chain::Finding) -> Self {
        let chain::Finding { tenant_id, seq, id, kind, detail } = finding;
        Self { tenant_id, seq, id, finding: kind.as_str().to_owned(), detail }
    }
}

/// The recorded entry behind which the verification of a chain began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct After {
    /// Its position.
    pub seq: i64,
    /// Its hash as it was recorded.
    pub hash: String,
}

impl From<Anchor> for After {
    fn from(anchor: Anchor) -> Self {
        Self { seq: anchor.seq, hash: anchor.hash.to_string() }
    }
}

/// The verdict on one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Whose chain it is; null only where a row was stored without tenant.
    pub tenant_id: Option<Uuid>,
    /// The tenant's name, if it can be seen.
    pub tenant: Option<String>,
    /// Where a recorded entry was given: nothing older than that was read.
    pub after: Option<After>,
    /// The verdict.
    pub status: Status,
    /// How many entries were checked.
    pub entries: u64,
    /// The position of the last one.
    pub head_seq: Option<i64>,
    /// Its hash as stored.
    pub head_hash: Option<String>,
    /// How many findings there are.
    pub findings: u64,
    /// The first of them.
    pub first_finding: Option<Finding>,
    /// Why the verdict is no better than `partial`, where that is not a finding.
    pub note: Option<String>,
    /// The checkpoints it was compared with, the smallest first.
    pub checkpoints: Vec<Comparison>,
    /// Up to where one of them proves it.
    pub proven_seq: Option<u64>,
}

impl Chain {
    /// A chain of which there is nothing.
    fn empty(tenant_id: Uuid) -> Self {
        Self {
            tenant_id: Some(tenant_id),
            tenant: None,
            after: None,
            status: Status::Empty,
            entries: 0,
            head_seq: None,
            head_hash: None,
            findings: 0,
            first_finding: None,
            note: None,
            checkpoints: Vec::new(),
            proven_seq: None,
        }
    }
}

/// The verdict on all that was checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verification {
    /// The worst of all chains.
    pub status: Status,
    /// Who recomputed the hashes.
    pub method: Method,
    /// How many sessions shared the work.
    pub jobs: usize,
    /// The table.
    pub relation: String,
    /// Whether row-level security may have hidden entries.
    pub may_hide_rows: bool,
    /// How many entries were checked.
    pub entries: u64,
    /// How long it took.
    pub seconds: f64,
    /// Their quotient.
    pub entries_per_second: Option<f64>,
    /// How many findings there are.
    pub findings_total: u64,
    /// The verdict on each chain.
    pub chains: Vec<Chain>,
    /// The first findings, up to the limit.
    pub findings: Vec<Finding>,
    /// Which ledger it is, where that was asked for the sake of checkpoints.
    pub identity: Option<Identity>,
    /// The trees that were wanted, by tenant.
    #[serde(skip)]
    pub trees: BTreeMap<Uuid, Tree>,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tables are not as they must be.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// The server refused.
    #[error("{doing}")]
    Server {
        /// What was being done.
        doing: &'static str,
        /// What the server said.
        source: ServerError,
    },
    /// What came over the connection is not what was asked for.
    #[error("read entries")]
    Copy(#[from] CopyError),
    /// Another session cannot be made to see the same.
    #[error("share a snapshot among the jobs")]
    Snapshot(#[source] ServerError),
    /// The user wants to stop, or another job has failed.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        const DAMAGED: &str = "The server cannot read an entry that it has stored, which is damage to the data itself. \
             `af-tools audit verify --in-database` names the entry; see docs/forensics.md.";
        const TOO_LONG: &str = "An entry is too long for the server to send: `af-tools audit verify --in-database` reads it in place; \
             --tenant verifies the other chains from here.";
        match self {
            Self::Relation(error) => error.hint(),
            Self::Server { source, .. } | Self::Copy(CopyError::Server(source)) => {
                if source.is_damaged_data() {
                    Some(DAMAGED.to_owned())
                } else if source.is_too_long() {
                    Some(TOO_LONG.to_owned())
                } else {
                    source.hint()
                }
            }
            Self::Snapshot(_) => Some(
                "All jobs must reach the same server and database: connect to it directly rather than through a pooler or balancer, or verify with --jobs 1."
                    .to_owned(),
            ),
            Self::Interrupted => None,
            Self::Copy(_) => {
                Some("Connect to the server directly: something in between changes the data.".to_owned())
            }
        }
    }
}

/// For `map_err`: says what was being done when the server refused.
pub(super) fn doing<E: Into<ServerError>>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Server { doing, source: error.into() }
}

/// Verifies chains of the table audits, all in one snapshot.
///
/// `jobs` are further sessions of the same kind, which share the work, if there are any; `client` then keeps the snapshot.
pub fn verify(
    client: &mut Client,
    jobs: Vec<Connection>,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Verification, Error> {
    let mut transaction = begin_snapshot(client).map_err(doing("begin a transaction"))?;
    let verification = verify_in(&mut transaction, jobs, options, watch)?;
    transaction.commit().map_err(doing("end the transaction"))?;
    Ok(verification)
}

/// The same in a transaction whose snapshot stays, for whoever wants to look closer at what was found.
pub(super) fn verify_in(
    transaction: &mut Transaction<'_>,
    jobs: Vec<Connection>,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Verification, Error> {
    let relation = Relation::find_with_columns(transaction, "audits", &AUDIT_COLUMNS)?;
    let is_compared = options.trees.wanted.is_any() || !options.checkpoints.is_empty();
    let identity = is_compared
        .then(|| Identity::of(transaction, &relation))
        .transpose()
        .map_err(doing("ask which ledger this is"))?;
    let may_hide_rows = relation.may_hide_rows(transaction).map_err(doing("ask for row-level security"))?;
    let estimate = match options.tenants.as_slice() {
        [] if options.since.is_empty() => {
            relation.estimate(transaction).map_err(doing("estimate the number of entries"))?
        }
        _ => None,
    };
    wal::flush(transaction).map_err(doing("make durable what is to be verified"))?;
    watch.begin(estimate);

    let start = Instant::now();
    let mut found = match options.method {
        Method::Outside => {
            let view = if may_hide_rows { View::Filtered } else { View::Whole };
            outside::verify(transaction, jobs, &relation, options, view, watch)?
        }
        Method::InDatabase => inside::verify(transaction, &relation, options, watch)?,
    };
    let elapsed = start.elapsed();

    add_missing_tenants(&mut found.chains, &options.tenants);
    if may_hide_rows {
        for chain in &mut found.chains {
            if chain.status < Status::Partial {
                chain.status = Status::Partial;
                chain.note = Some("row-level security may hide entries from this role".to_owned());
            }
        }
    }
    if let Some(identity) = identity {
        compare::compare(&mut found, options, &identity, may_hide_rows);
        found.identity = Some(identity);
    }
    name_tenants(transaction, &mut found.chains)?;
    Ok(found.into_verification(options.method, relation.name, may_hide_rows, elapsed))
}

/// What either method finds.
#[derive(Default)]
struct Found {
    chains: Vec<Chain>,
    findings: Vec<Finding>,
    /// How many of them are of no chain.
    findings_apart: u64,
    jobs: usize,
    trees: BTreeMap<Uuid, Tree>,
    identity: Option<Identity>,
}

impl Found {
    fn into_verification(
        self,
        method: Method,
        relation: String,
        may_hide_rows: bool,
        elapsed: Duration,
    ) -> Verification {
        let entries = self.chains.iter().map(|chain| chain.entries).sum();
        let seconds = elapsed.as_secs_f64();
        let apart = (self.findings_apart > 0).then_some(Status::Tampered);
        let worst = self.chains.iter().map(|chain| chain.status).chain(apart).max();
        let nothing = if may_hide_rows { Status::Partial } else { Status::Empty };
        Verification {
            status: worst.unwrap_or(nothing),
            method,
            jobs: self.jobs,
            relation,
            may_hide_rows,
            entries,
            seconds,
            entries_per_second: rate(entries, seconds),
            findings_total: self.chains.iter().map(|chain| chain.findings).sum::<u64>() + self.findings_apart,
            chains: self.chains,
            findings: self.findings,
            identity: self.identity,
            trees: self.trees,
        }
    }
}

/// A chain that was asked for and has no entries is part of the answer.
fn add_missing_tenants(chains: &mut Vec<Chain>, tenants: &[Uuid]) {
    for tenant in tenants {
        if !chains.iter().any(|chain| chain.tenant_id == Some(*tenant)) {
            chains.push(Chain { note: Some("no entries".to_owned()), ..Chain::empty(*tenant) });
        }
    }
}

/// Fills in the names, where the table tenants can be read.
fn name_tenants(transaction: &mut Transaction<'_>, chains: &mut [Chain]) -> Result<(), Error> {
    const CAN_READ: &str = "SELECT coalesce(has_table_privilege(to_regclass('tenants'), 'SELECT'), false)";
    let can_read = transaction.query_one(CAN_READ, &[]).map_err(doing("look up table tenants"))?;
    if !can_read.get::<_, bool>(0) {
        return Ok(());
    }
    let ids: Vec<Uuid> = chains.iter().filter_map(|chain| chain.tenant_id).collect();
    let rows = tenants::names().bind(transaction, &ids).all().map_err(doing("read the tenants' names"))?;
    let names: HashMap<Uuid, String> = rows.into_iter().map(|row| (row.id, row.name)).collect();
    for chain in chains {
        chain.tenant = chain.tenant_id.and_then(|id| names.get(&id).cloned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_chain_decides() {
        let chain = |status| Chain {
            tenant_id: None,
            tenant: None,
            after: None,
            status,
            entries: 2,
            head_seq: Some(2),
            head_hash: None,
            findings: u64::from(status == Status::Tampered),
            first_finding: None,
            note: None,
            checkpoints: Vec::new(),
            proven_seq: None,
        };
        let verdict = |statuses: &[Status], may_hide_rows| {
            let chains = statuses.iter().copied().map(chain).collect();
            let found = Found { chains, jobs: 1, ..Found::default() };
            let relation = "public.audits".to_owned();
            found.into_verification(Method::Outside, relation, may_hide_rows, Duration::from_secs(1))
        };
        use Status::{Empty, Ok, Partial, Tampered};
        for (statuses, expected) in [
            (&[Ok, Ok][..], Ok),
            (&[Ok, Empty], Empty),
            (&[Empty, Partial, Ok], Partial),
            (&[Partial, Tampered, Ok], Tampered),
            (&[], Empty),
        ] {
            assert_eq!(verdict(statuses, false).status, expected, "{statuses:?}");
        }
        assert_eq!(verdict(&[], true).status, Partial);
        let all = verdict(&[Ok, Tampered], false);
        assert_eq!((all.entries, all.findings_total, all.entries_per_second), (4, 1, Some(4.0)));
    }
}
