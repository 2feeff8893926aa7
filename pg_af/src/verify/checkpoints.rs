//! The comparison with what was recorded of the chains: the table `audit_checkpoints` beside the ledger.
//!
//! It is for the ledger itself, the table called `audits`, and not for another table or partition in its schema, whose
//! chains nobody has recorded there. Not to be able to compare is no fault of a chain: it is said beside the verdict.

use std::collections::HashMap;

use af_core::chain::{Anchor, ChainReport, Finding, Recorded, Stored, View};
use af_core::digest::Digest;
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use pgrx::{PgRelation, Uuid};

use super::target::{Scope, Target};
use crate::access;
use crate::convert::{timestamp_from_sql, uuid_from_sql, uuid_to_sql};
use crate::error::{Error, Table};
use crate::tuple::Columns;
use crate::tuple::checkpoint::CheckpointColumn;

/// Compares the chains of `target`, on which `reports` is what the walk saw through `view`, each with the newest checkpoint
/// of it. Adds to the reports, one for each chain that is gone included, and returns what was found.
pub(super) fn compare(
    target: &Target,
    view: View,
    reports: &mut Vec<ChainReport>,
) -> Result<Vec<Finding>, Error> {
    let table = if target.is_ledger() { target.neighbour(Table::Checkpoints.default_name()) } else { None };
    let Some(table) = table else { return Ok(Vec::new()) };
    if let Some((level, reason)) = obstacle(target, &table)? {
        tell(level, "chains were not compared with the checkpoints that were recorded".to_owned(), reason);
        return Ok(Vec::new());
    }
    let places: HashMap<_, _> =
        reports.iter().enumerate().filter_map(|(place, report)| Some((report.tenant_id?, place))).collect();
    let mut findings = Vec::new();
    for Newest { tenant, recorded, stored } in newest(target, &table)? {
        let Some(recorded) = recorded else {
            let message =
                format!("chain of tenant {tenant} was not compared with the newest checkpoint of it");
            tell(PgLogLevel::WARNING, message, "What is recorded there is no checkpoint.".to_owned());
            continue;
        };
        let gone = ChainReport::empty(Some(recorded.last.tenant_id));
        let place = places.get(&recorded.last.tenant_id).copied();
        let report = place.map_or(&gone, |place| &reports[place]);
        let Some(finding) = report.compare(&recorded, stored, view) else { continue };
        let place = place.unwrap_or_else(|| {
            reports.push(gone);
            reports.len() - 1
        });
        reports[place].add(&finding);
        findings.push(finding);
    }
    reports.sort_by(ChainReport::order);
    Ok(findings)
}

/// Why chains cannot be compared with what is in `table`, and how loudly that is to be said.
fn obstacle(target: &Target, table: &PgRelation) -> Result<Option<(PgLogLevel, String)>, Error> {
    // SAFETY: rd_rel of an open relation is valid.
    let form = unsafe { &*table.rd_rel };
    let is_ordinary = form.relkind as u8 == pg_sys::RELKIND_RELATION
        && form.relpersistence as u8 == pg_sys::RELPERSISTENCE_PERMANENT;
    let warn = |reason| Ok(Some((PgLogLevel::WARNING, reason)));
    let name = table.name();
    if !is_ordinary {
        return warn(format!("\"{name}\" is not an ordinary table."));
    }
    // Whoever may create tables beside a ledger that has none of checkpoints must not be able to have chains called
    // tampered, nor have his functions called by who reads his table.
    // SAFETY: a catalog look-up by OID.
    if form.relowner != target.owner() && !unsafe { pg_sys::superuser_arg(form.relowner) } {
        return warn(format!("\"{name}\" belongs neither to the ledger's owner nor to a superuser."));
    }
    if let Err(error) = Columns::<CheckpointColumn>::of(table) {
        return warn(format!("What is there cannot be used: {error}."));
    }
    let is_seen = access::sees_all_rows(table)?;
    Ok((!is_seen)
        .then(|| (PgLogLevel::NOTICE, format!("The current user may not read every row of \"{name}\"."))))
}

/// Says what no row of the result says.
fn tell(level: PgLogLevel, message: String, detail: String) {
    let code = match level {
        PgLogLevel::WARNING => PgSqlErrorCode::ERRCODE_WARNING,
        _ => PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
    };
    ereport!(level, code, message, detail);
}

/// The newest checkpoint of a chain.
struct Newest {
    tenant: Uuid,
    /// What it says, if it is one.
    recorded: Option<Recorded>,
    /// The entry that stands where it ends.
    stored: Option<Stored>,
}

/// The newest checkpoint of each chain in the target's scope: of its last incarnation, the largest. Where several entries
/// have the position at its end, it is there with each of them.
///
/// Read in the snapshot of the running statement, in which the entries were read too.
fn newest(target: &Target, table: &PgRelation) -> Result<Vec<Newest>, Error> {
    let checkpoints = pgrx::spi::quote_qualified_identifier(table.namespace(), table.name());
    // Tables that inherit from it are somebody else's.
    let checkpoints = format!("ONLY {checkpoints}");
    // From one tenant to the next by index, since a tenant may have very many checkpoints.
    let every_tenant = || {
        format!(
            "WITH RECURSIVE chains (tenant_id) AS ( \
                 (SELECT c.tenant_id::pg_catalog.uuid FROM {checkpoints} AS c \
                  WHERE c.tenant_id IS NOT NULL ORDER BY c.tenant_id LIMIT 1) \
                 UNION ALL \
                 SELECT (SELECT c.tenant_id::pg_catalog.uuid FROM {checkpoints} AS c \
                         WHERE c.tenant_id OPERATOR(pg_catalog.>) chains.tenant_id ORDER BY c.tenant_id LIMIT 1) \
                 FROM chains WHERE chains.tenant_id IS NOT NULL)"
        )
    };
    let one = |tenant| format!("WITH chains (tenant_id) AS (VALUES ('{tenant}'::pg_catalog.uuid))");
    let chains = match target.scope {
        Scope::All => every_tenant(),
        Scope::Tenant(tenant) => one(tenant),
        Scope::Since(Anchor { tenant_id, .. }) => one(uuid_to_sql(tenant_id)),
        Scope::WithoutTenant => return Ok(Vec::new()),
    };
    let query = format!(
        "{chains} \
         SELECT chains.tenant_id, newest.size, newest.hash, newest.origin, newest.created_at, \
                entry.seq IS NOT NULL, entry.id::pg_catalog.uuid, entry.hash::pg_catalog.bytea \
         FROM chains \
         CROSS JOIN LATERAL ( \
             SELECT c.size::pg_catalog.int8, c.hash::pg_catalog.bytea, c.origin::pg_catalog.text, \
                    c.created_at::pg_catalog.timestamptz \
             FROM {checkpoints} AS c WHERE c.tenant_id OPERATOR(pg_catalog.=) chains.tenant_id \
             ORDER BY c.incarnation DESC, c.size DESC LIMIT 1 \
         ) AS newest \
         LEFT JOIN {} AS entry ON entry.tenant_id OPERATOR(pg_catalog.=) chains.tenant_id \
                              AND entry.seq OPERATOR(pg_catalog.=) newest.size",
        target.quoted_name(),
    );
    let rows: Result<_, pgrx::spi::Error> = Spi::connect(|client| {
        let rows = client.select(query.as_str(), None, &[])?;
        rows.filter_map(|row| Newest::read(&row).transpose()).collect()
    });
    rows.map_err(Error::Spi)
}

impl Newest {
    fn read(row: &SpiHeapTupleData) -> Result<Option<Self>, pgrx::spi::Error> {
        let Some(tenant) = row.get::<Uuid>(1)? else { return Ok(None) };
        let digest = |column| row.get::<&[u8]>(column).map(|bytes| bytes.and_then(Digest::from_slice));
        let recorded = match (row.get::<i64>(2)?, digest(3)?) {
            (Some(seq @ 1..), Some(hash)) => Some(Recorded {
                last: Anchor { tenant_id: uuid_from_sql(tenant), seq, hash },
                origin: row.get::<String>(4)?.unwrap_or_default(),
                at: row.get(5)?.and_then(|at| timestamp_from_sql(at, Table::Checkpoints).ok()),
            }),
            _ => None,
        };
        let stored = match row.get(6)? {
            Some(true) => Some(Stored { id: row.get(7)?.map(uuid_from_sql), hash: digest(8)? }),
            _ => None,
        };
        Ok(Some(Self { tenant, recorded, stored }))
    }
}
