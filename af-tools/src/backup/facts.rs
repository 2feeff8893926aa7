//! What a database says of itself: its tables with their rows and guards, its sequences, the heads of its chains. A backup
//! notes it under the dump's snapshot, and a restored database is asked the same.
//!
//! The tables are known by the catalog, and whole ones are counted: these are no queries of `af-queries`.

use std::collections::BTreeMap;

use postgres::{Row, Transaction};
use serde::{Deserialize, Serialize};

use super::{Error, doing};
use crate::relation::Relation;
use crate::watch::Watch;

/// Every table that is dumped, but for those of extensions; and these by `is_extensions`.
const TABLES: &str = "
    SELECT c.oid,
        pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name,
        c.relkind = 'p' AS is_partitioned,
        pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
        CASE WHEN NOT c.relrowsecurity THEN 'off' WHEN c.relforcerowsecurity THEN 'forced' ELSE 'on' END AS row_security,
        pg_catalog.row_security_active(c.oid) AS is_restricted,
        EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
        ) AS is_extensions,
        pg_catalog.pg_table_size(c.oid) AS bytes,
        ARRAY(
            SELECT t.tgname::text FROM pg_catalog.pg_trigger AS t
            WHERE t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY t.tgname
        ) AS triggers,
        ARRAY(
            SELECT t.tgenabled::text || ' ' || t.tgfoid::pg_catalog.regproc::text FROM pg_catalog.pg_trigger AS t
            WHERE t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY t.tgname
        ) AS trigger_states,
        ARRAY(
            SELECT pg_catalog.format('%s%s to %s%s', a.privilege_type, g.columns,
                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
                CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END)
            FROM (
                SELECT c.relacl AS acl, '' AS columns
                UNION ALL
                SELECT at.attacl, pg_catalog.format(' (%I)', at.attname) FROM pg_catalog.pg_attribute AS at
                WHERE at.attrelid = c.oid AND at.attnum > 0 AND NOT at.attisdropped
            ) AS g, pg_catalog.aclexplode(g.acl) AS a
            WHERE a.grantee <> c.relowner
        ) AS grants
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'";

const SEQUENCES: &str = "
    SELECT pg_catalog.quote_ident(schemaname) || '.' || pg_catalog.quote_ident(sequencename) AS name, last_value,
        increment_by > 0 AS is_ascending
    FROM pg_catalog.pg_sequences";

/// Constraints that nobody has checked, and indexes that are not used.
const NOT_VALID: &str = "
    SELECT 'constraint ' || pg_catalog.quote_ident(o.conname) || ' of ' || o.conrelid::pg_catalog.regclass::text AS name
    FROM pg_catalog.pg_constraint AS o
    WHERE NOT o.convalidated AND o.conrelid <> 0
    UNION ALL
    SELECT 'index ' || i.indexrelid::pg_catalog.regclass::text
    FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relkind = 'i'";

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Its tables, in the order of their names.
    pub tables: Vec<Table>,
    /// Its sequences, in the order of their names.
    pub sequences: Vec<Sequence>,
    /// Constraints and indexes that are not valid.
    pub not_valid: Vec<String>,
    /// The last entry of each tenant's chain, in the order of tenants.
    pub heads: Vec<Head>,
}

/// A table, and what guards it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Schema and name, quoted where they must be.
    pub name: String,
    /// How many rows of it are in the dump; nothing for a table that has none by itself, or of which the kind of backup
    /// holds no rows.
    pub rows: Option<u64>,
    /// Who owns it.
    pub owner: String,
    /// Row-level security: `off`, `on` or `forced`.
    pub row_security: String,
    /// Its triggers: when each fires (`A` for always) and what it calls.
    pub triggers: BTreeMap<String, String>,
    /// Who else may do what with it.
    pub grants: Vec<String>,
}

/// A sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Schema and name, quoted where they must be.
    pub name: String,
    /// What it gave last, if it gave something.
    pub last_value: Option<i64>,
    /// Whether it counts upwards.
    pub is_ascending: bool,
}

/// The last entry of a tenant's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Whose chain.
    pub tenant_id: String,
    /// Its position.
    pub seq: i64,
    /// Its hash, in hexadecimal.
    pub hash: String,
}

/// A table as it is found in the catalog.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) relation: Relation,
    /// Its rows are in its partitions.
    pub(super) is_partitioned: bool,
    /// It came with an extension.
    pub(super) is_extensions: bool,
    /// Row-level security applies to this role.
    pub(super) is_restricted: bool,
    /// Its size without indexes.
    pub(super) bytes: u64,
    table: Table,
}

impl Found {
    /// The role that it belongs to.
    pub(super) fn owner(&self) -> &str {
        &self.table.owner
    }
}

/// All tables of the database.
pub(super) fn tables(transaction: &mut Transaction<'_>) -> Result<Vec<Found>, Error> {
    // Names of functions come with their schema where the search_path does not lead to them: let that be always.
    let rows = in_bare_path(transaction, |transaction| transaction.query(TABLES, &[]))
        .map_err(doing("look up the tables"))?;
    let mut found: Vec<Found> = rows.iter().map(found).collect();
    found.sort_by(|a, b| a.table.name.cmp(&b.table.name));
    Ok(found)
}

fn found(row: &Row) -> Found {
    let (triggers, states): (Vec<String>, Vec<String>) = (row.get("triggers"), row.get("trigger_states"));
    let grants: Vec<String> = row.get("grants");
    // From version 17 on, and there it goes to nobody by itself.
    let mut grants: Vec<String> =
        grants.into_iter().filter(|grant| !grant.starts_with("MAINTAIN ")).collect();
    grants.sort_unstable();
    let name: String = row.get("name");
    Found {
        relation: Relation { oid: row.get("oid"), name: name.clone() },
        is_partitioned: row.get("is_partitioned"),
        is_extensions: row.get("is_extensions"),
        is_restricted: row.get("is_restricted"),
        bytes: u64::try_from(row.get::<_, i64>("bytes")).unwrap_or_default(),
        table: Table {
            name,
            rows: None,
            owner: row.get("owner"),
            row_security: row.get("row_security"),
            triggers: triggers.into_iter().zip(states).collect(),
            grants,
        },
    }
}

/// Everything, with the rows of the tables of which `has_rows` says that they are to be counted, and the heads of the
/// chains in the table `audits`, if there is one.
pub(super) fn take(
    transaction: &mut Transaction<'_>,
    tables: &[Found],
    has_rows: &dyn Fn(&Found) -> bool,
    audits: Option<&Relation>,
    watch: &mut dyn Watch,
) -> Result<Facts, Error> {
    let mut counted = Vec::new();
    for found in tables.iter().filter(|found| !found.is_extensions) {
        if watch.is_interrupted() {
            return Err(Error::Interrupted);
        }
        let mut table = found.table.clone();
        if !found.is_partitioned && has_rows(found) {
            let count = format!("SELECT count(*) FROM ONLY {}", found.relation.name);
            let rows: i64 = transaction.query_one(&count, &[]).map_err(doing("count rows"))?.get(0);
            table.rows = u64::try_from(rows).ok();
        }
        counted.push(table);
    }
    let sequences = transaction.query(SEQUENCES, &[]).map_err(doing("look up the sequences"))?;
    let sequences = sequences.iter().map(|row| Sequence {
        name: row.get("name"),
        last_value: row.get("last_value"),
        is_ascending: row.get("is_ascending"),
    });
    let mut sequences: Vec<Sequence> = sequences.collect();
    sequences.sort_by(|a, b| a.name.cmp(&b.name));
    let not_valid = in_bare_path(transaction, |transaction| transaction.query(NOT_VALID, &[]))
        .map_err(doing("look up constraints that are not valid"))?;
    let mut not_valid: Vec<String> = not_valid.iter().map(|row| row.get(0)).collect();
    not_valid.sort_unstable();
    let heads = audits.map_or(Ok(Vec::new()), |audits| heads(transaction, audits))?;
    Ok(Facts { tables: counted, sequences, not_valid, heads })
}

/// The last entry of each chain.
fn heads(transaction: &mut Transaction<'_>, audits: &Relation) -> Result<Vec<Head>, Error> {
    let table = &audits.name;
    let query = format!(
        "SELECT tenant_id::text AS tenant_id, seq, encode(hash, 'hex') AS hash FROM {table} \
         JOIN (SELECT tenant_id, max(seq) AS seq FROM {table} GROUP BY tenant_id) AS last USING (tenant_id, seq) \
         ORDER BY tenant_id"
    );
    let rows = transaction.query(&query, &[]).map_err(doing("read the heads of the chains"))?;
    let heads = rows.iter().map(|row| Head {
        tenant_id: row.get("tenant_id"),
        seq: row.get("seq"),
        hash: row.get("hash"),
    });
    Ok(heads.collect())
}

/// Runs a query under a search_path on which nothing is found by its bare name but what is PostgreSQL's own.
fn in_bare_path<T>(
    transaction: &mut Transaction<'_>,
    query: impl FnOnce(&mut Transaction<'_>) -> Result<T, postgres::Error>,
) -> Result<T, postgres::Error> {
    let before: String = transaction.query_one("SELECT current_setting('search_path')", &[])?.get(0);
    let set = "SELECT pg_catalog.set_config('search_path', $1, true)";
    transaction.query_one(set, &[&"pg_catalog"])?;
    let result = query(transaction)?;
    transaction.query_one(set, &[&before])?;
    Ok(result)
}
