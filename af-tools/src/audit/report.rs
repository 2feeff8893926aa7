//! What an auditor is shown: a verification with all that belongs to it, as one value, from which both the page
//! ([`html`]) and the JSON are written.

mod about;
mod exhibit;
pub mod html;
mod limits;
mod timeline;

use std::time::SystemTime;

use postgres::Client;
use serde::Serialize;

pub use about::{Server, Witnessed};
pub use exhibit::{Exhibit, Field, StoredEntry};
pub use timeline::{Bucket, Timeline};

use super::columns::AUDIT_COLUMNS;
use super::verify::{self, Error, Options, Verification, doing};
use crate::connection::{Connection, begin_snapshot};
use crate::guards::Inspection;
use crate::relation::Relation;
use crate::watch::Watch;

/// The report on a ledger.
#[derive(Debug, Clone, Serialize)]
pub struct AuditReport {
    /// When it was made, in RFC 3339.
    pub made_at: String,
    /// By which build of af-tools.
    pub version: &'static str,
    /// Which server and database.
    pub server: Server,
    /// The checkpoints that the ledger was held against, and the keys that vouch for them.
    pub checkpoints: Witnessed,
    /// What verification says.
    pub verification: Verification,
    /// What guards the ledger, as far as the catalog tells; null where that was not looked at, or the schema is none that the
    /// migrations made.
    pub guards: Option<Inspection>,
    /// How the entries of chains lie in time.
    pub timelines: Vec<Timeline>,
    /// The entries that findings are about, with their neighbours.
    pub exhibits: Vec<Exhibit>,
    /// How many findings are not shown with their entries.
    pub findings_without_exhibit: u64,
    /// What all this does not prove.
    pub not_proven: Vec<String>,
}

/// Verifies, and looks closer at what was found; all in one snapshot. `keys` are the ids of the keys that vouch for the
/// checkpoints, `guards` is what a look at them came to.
pub fn make(
    client: &mut Client,
    jobs: Vec<Connection>,
    options: &Options,
    keys: Vec<String>,
    guards: Option<Inspection>,
    now: SystemTime,
    watch: &mut dyn Watch,
) -> Result<AuditReport, Error> {
    let mut transaction = begin_snapshot(client).map_err(doing("begin a transaction"))?;
    let verification = verify::verify_in(&mut transaction, jobs, options, watch)?;
    let relation = Relation::find_with_columns(&mut transaction, "audits", &AUDIT_COLUMNS)?;
    let server = Server::of(&mut transaction).map_err(doing("ask which server this is"))?;
    let timelines = timeline::of(&mut transaction, &relation, &verification)
        .map_err(doing("see how the entries lie in time"))?;
    let exhibits = exhibit::of(&mut transaction, &relation, &verification)?;
    transaction.commit().map_err(doing("end the transaction"))?;
    let not_proven = limits::of(&verification, !options.checkpoints.is_empty(), guards.is_some());
    Ok(AuditReport {
        made_at: humantime::format_rfc3339_seconds(now).to_string(),
        version: env!("CARGO_PKG_VERSION"),
        server,
        checkpoints: Witnessed::of(&options.checkpoints, keys),
        findings_without_exhibit: verification.findings_total.saturating_sub(exhibits.len() as u64),
        verification,
        guards,
        timelines,
        exhibits,
        not_proven,
    })
}
