//! What a way back destroys: found out by going it and coming back.

use std::collections::BTreeMap;

use postgres::{Row, Transaction};
use serde::Serialize;

use super::Error;
use super::run::Run;

/// Tables (column 0) and their columns, but for what the server keeps for itself or derives. A table comes with the table
/// that it is a partition of, the file that it is in, and how many of its rows this transaction has deleted so far.
const OBJECTS: &str = "WITH tables AS ( \
         SELECT oid, relispartition FROM pg_catalog.pg_class \
         WHERE relkind IN ('r', 'p') AND relpersistence <> 't' \
           AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)) \
     SELECT oid, 0::smallint, oid::regclass::text, NULL, \
            CASE WHEN relispartition THEN (SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = oid) END, \
            pg_relation_filenode(oid), pg_stat_get_xact_tuples_deleted(oid) FROM tables \
     UNION ALL \
     SELECT attrelid, attnum, attrelid::regclass::text, quote_ident(attname), NULL, NULL, NULL \
     FROM pg_catalog.pg_attribute JOIN tables ON attrelid = oid \
     WHERE attnum > 0 AND NOT attisdropped AND attgenerated = '' AND NOT relispartition";

/// What goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// The table, with all its rows.
    Table,
    /// A column of it, with its values.
    Column,
    /// Rows of it.
    Rows,
}

/// Data that a way back destroys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The migration whose way back it is.
    pub version: i64,
    /// What goes.
    pub lost: Lost,
    /// The table, with its schema where search_path does not lead to it.
    pub table: String,
    /// The column, where that is what goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// How many rows or values.
    pub rows: u64,
    /// How many chains, where the table is an audit ledger and goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<u64>,
}

/// A table's OID and a column's number.
type Key = (u32, i16);

/// A table or a column, as [`OBJECTS`] tells it.
struct Object {
    table: String,
    column: Option<String>,
    parent: Option<u32>,
    /// By the file and the number of rows deleted so far: while it stays the same, no row goes.
    state: (Option<u32>, Option<i64>),
}

/// Runs the script, sees what is gone, undoes it, and counts what was there. That is locked from then on, so that nobody
/// adds to it before the script runs for good.
pub(super) fn rehearse(transaction: &mut Transaction<'_>, run: &Run<'_>) -> Result<Vec<Loss>, Error> {
    let before = objects(transaction, run)?;
    let mut rehearsal = transaction.transaction().map_err(run.failed())?;
    run.execute(&mut rehearsal)?;
    let after = objects(&mut rehearsal, run)?;
    // The rows that are left, of tables that were touched.
    let mut left = BTreeMap::new();
    for (key, object) in &after {
        if before.get(key).is_some_and(|before| before.state != object.state) {
            left.insert(*key, count(&mut rehearsal, key.0, object, run)?.0);
        }
    }
    rehearsal.rollback().map_err(run.failed())?;

    let mut losses = Vec::new();
    for (key, object) in before {
        let is_there = |oid| after.contains_key(&(oid, 0));
        let lost = match (after.contains_key(&key), key.1) {
            (true, _) if left.contains_key(&key) => Lost::Rows,
            // A partition that goes with the whole table is counted there.
            (false, 0) if object.parent.is_none_or(is_there) => Lost::Table,
            (false, number) if number != 0 && is_there(key.0) => Lost::Column,
            _ => continue,
        };
        let (rows, chains) = count(transaction, key.0, &object, run)?;
        let rows = rows.saturating_sub(left.get(&key).copied().unwrap_or_default());
        if rows > 0 {
            let chains = chains.filter(|_| lost == Lost::Table);
            let Object { table, column, .. } = object;
            losses.push(Loss { version: run.version, lost, table, column, rows, chains });
        }
    }
    Ok(losses)
}

fn objects(transaction: &mut Transaction<'_>, run: &Run<'_>) -> Result<BTreeMap<Key, Object>, Error> {
    let rows = transaction.query(OBJECTS, &[]).map_err(run.failed())?;
    let object = |row: &Row| Object {
        table: row.get(2),
        column: row.get(3),
        parent: row.get(4),
        state: (row.get(5), row.get(6)),
    };
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), object(row))).collect())
}

/// Rows of a table, or with a value in a column, and chains, if the table holds them.
fn count(
    transaction: &mut Transaction<'_>,
    oid: u32,
    object: &Object,
    run: &Run<'_>,
) -> Result<(u64, Option<u64>), Error> {
    const KIND: &str = "SELECT relforcerowsecurity, EXISTS ( \
             SELECT FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_proc AS p ON p.oid = tgfoid \
             WHERE tgrelid = c.oid AND proname = 'af_audit_chain') \
         FROM pg_catalog.pg_class AS c WHERE c.oid = $1";
    let Object { table, column, .. } = object;
    transaction
        .batch_execute(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        .map_err(run.failed())?;
    let kind = transaction.query_one(KIND, &[&oid]).map_err(run.failed())?;
    let (is_forced, is_ledger): (bool, bool) = (kind.get(0), kind.get(1));
    let chains = if is_ledger && column.is_none() { "count(DISTINCT tenant_id)" } else { "NULL::bigint" };
    let counted = column.as_deref().unwrap_or("*");
    // Whoever can drop a table sees all its rows, once row-level security does not hold for owners.
    let mut look = transaction.transaction().map_err(run.failed())?;
    if is_forced {
        look.batch_execute(&format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
            .map_err(run.failed())?;
    }
    look.batch_execute("SET LOCAL row_security = off").map_err(run.failed())?;
    let row = look
        .query_one(&format!("SELECT count({counted}), {chains} FROM {table}"), &[])
        .map_err(run.failed())?;
    look.rollback().map_err(run.failed())?;
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok((number(row.get(0)), row.get::<_, Option<i64>>(1).map(number)))
}
