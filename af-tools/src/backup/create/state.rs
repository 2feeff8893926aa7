//! What is asked of the server before a dump: the state that its snapshot shows, and whether the dump would be whole.

use std::collections::BTreeSet;

use postgres::Transaction;

use crate::backup::facts::Found;
use crate::backup::manifest::{Database, Snapshot, Versions, beside};
use crate::backup::{Error, doing};
use crate::relation::Relation;
use crate::wal;

/// The platform's tables, none of which may be left out.
const PLATFORM: [&str; 13] = [
    "tenants",
    "users",
    "agents",
    "workflows",
    "plans",
    "messages",
    "tools",
    "audits",
    "budgets",
    "rbac_roles",
    "rbac_bindings",
    "audit_checkpoints",
    "audit_verifications",
];

/// What the snapshot shows, durable by now, and exported; the database; and the versions that the server knows of.
pub(super) fn state(transaction: &mut Transaction<'_>) -> Result<(Snapshot, Database, Versions), Error> {
    const STATE: &str = "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000, \
             (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_af'), \
             to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
             (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)::text";
    const DATABASE: &str = "SELECT datname::text, pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text, \
             coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'), \
             coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') \
         FROM pg_catalog.pg_database AS d WHERE datname = current_database()";
    const MIGRATION: &str = "SELECT max(version) FROM _sqlx_migrations WHERE success";
    wal::flush(transaction).map_err(doing("make durable what is to be backed up"))?;
    let row = transaction.query_one(STATE, &[]).map_err(doing("look up versions"))?;
    let has_history = transaction
        .query_one("SELECT to_regclass('_sqlx_migrations') IS NOT NULL", &[])
        .map_err(doing("look for the history of migrations"))?;
    let schema = if has_history.get(0) {
        let newest = transaction.query_one(MIGRATION, &[]);
        newest.map_err(doing("read the history of migrations"))?.get(0)
    } else {
        None
    };
    let major = u32::try_from(row.get::<_, i32>(1)).unwrap_or_default();
    let versions = Versions {
        af_tools: env!("CARGO_PKG_VERSION").to_owned(),
        server: row.get(0),
        server_major: major,
        pg_dump_major: major,
        extension: row.get(2),
        schema,
    };
    let database = transaction.query_one(DATABASE, &[]).map_err(doing("look up the database"))?;
    let provider: String = database.get(4);
    let database = Database {
        name: database.get(0),
        encoding: database.get(1),
        collate: database.get(2),
        ctype: database.get(3),
        provider: match provider.as_str() {
            "i" => "icu",
            "b" => "builtin",
            _ => "libc",
        }
        .to_owned(),
        locale: database.get(5),
    };
    let exported = transaction.query_one("SELECT pg_export_snapshot()", &[]);
    let id = exported.map_err(doing("export the snapshot"))?.get(0);
    Ok((Snapshot { id, taken_at: row.get(3), lsn: row.get(4) }, database, versions))
}

pub(super) fn schema_of(transaction: &mut Transaction<'_>, relation: &Relation) -> Result<String, Error> {
    const SCHEMA_OF: &str = "SELECT n.nspname::text FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1";
    let row = transaction.query_one(SCHEMA_OF, &[&relation.oid]);
    Ok(row.map_err(doing("look up the ledger's schema"))?.get(0))
}

/// The roles that the database's objects depend on, and the owners of its tables: PostgreSQL does not note dependencies on
/// the first superuser.
pub(super) fn roles(transaction: &mut Transaction<'_>, tables: &[Found]) -> Result<Vec<String>, Error> {
    const ROLES: &str = "SELECT DISTINCT pg_get_userbyid(d.refobjid)::text FROM pg_catalog.pg_shdepend AS d \
         WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
           AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())";
    let rows = transaction.query(ROLES, &[]).map_err(doing("look up the roles"))?;
    let mut roles: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    roles.extend(tables.iter().map(|found| found.owner().to_owned()));
    Ok(roles.into_iter().collect())
}

/// Fails where the dump would leave out rows without a word. Says whether row-level security applies, and shows every row.
pub(super) fn require_whole(
    transaction: &mut Transaction<'_>,
    tables: &[Found],
    audits: &Relation,
) -> Result<bool, Error> {
    let is_platform =
        |found: &&Found| PLATFORM.iter().any(|table| found.relation.name == beside(&audits.name, table));
    let names = |tables: Vec<&Found>| tables.iter().map(|found| found.relation.name.clone()).collect();
    let owned: Vec<&Found> = tables.iter().filter(|found| found.is_extensions).filter(is_platform).collect();
    if !owned.is_empty() {
        return Err(Error::ExtensionOwned(names(owned)));
    }
    let mut hiding = Vec::new();
    let restricted: Vec<&Found> = tables.iter().filter(|found| found.is_restricted).collect();
    for found in &restricted {
        if found.relation.may_hide_rows(transaction).map_err(doing("ask for row-level security"))? {
            hiding.push(*found);
        }
    }
    if hiding.is_empty() { Ok(!restricted.is_empty()) } else { Err(Error::HidesRows(names(hiding))) }
}

/// The tables of these names that there are, those that they refer to, and so on, with their partitions.
pub(super) fn with_what_they_refer_to(
    transaction: &mut Transaction<'_>,
    names: &[&str],
) -> Result<BTreeSet<u32>, Error> {
    const CLOSURE: &str = "WITH RECURSIVE needed (oid) AS ( \
             SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS name \
             UNION SELECT o.confrelid FROM pg_catalog.pg_constraint AS o JOIN needed ON o.conrelid = needed.oid AND o.contype = 'f') \
         SELECT coalesce(p.relid::oid, needed.oid) FROM needed \
         LEFT JOIN LATERAL pg_partition_tree(needed.oid::regclass) AS p ON true WHERE needed.oid IS NOT NULL";
    let rows =
        transaction.query(CLOSURE, &[&names]).map_err(doing("look up what the critical tables refer to"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
