//! What a way back destroys: found out by going it and coming back.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Transaction;
use serde::Serialize;

use super::Error;
use super::run::Run;

/// Tables (column 0) and their columns, but for what the server keeps for itself, derives, or drops anyway.
const OBJECTS: &str = "WITH tables AS ( \
         SELECT oid FROM pg_catalog.pg_class \
         WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND NOT relispartition \
           AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)) \
     SELECT oid, 0::smallint, oid::regclass::text, NULL FROM tables \
     UNION ALL \
     SELECT attrelid, attnum, attrelid::regclass::text, quote_ident(attname) \
     FROM pg_catalog.pg_attribute JOIN tables ON attrelid = oid \
     WHERE attnum > 0 AND NOT attisdropped AND attgenerated = ''";

/// Something that holds data and is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The migration whose way back drops it.
    pub version: i64,
    /// The table, with its schema where search_path does not lead to it.
    pub table: String,
    /// The column, where the table stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// How many rows the table has, or the column has values in.
    pub rows: u64,
    /// How many chains, where the table is an audit ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<u64>,
}

/// A table's OID and a column's number.
type Key = (u32, i16);

/// Runs the script, sees what is gone, undoes it, and counts what those tables and columns hold. They are locked from then
/// on, so that nobody adds to them before the script runs for good.
pub(super) fn rehearse(transaction: &mut Transaction<'_>, run: &Run<'_>) -> Result<Vec<Loss>, Error> {
    let before = objects(transaction, run)?;
    let mut rehearsal = transaction.transaction().map_err(run.failed())?;
    run.execute(&mut rehearsal)?;
    let after: BTreeSet<Key> = objects(&mut rehearsal, run)?.into_keys().collect();
    rehearsal.rollback().map_err(run.failed())?;

    let mut losses = Vec::new();
    for ((oid, number), (table, column)) in before {
        let is_table_gone = !after.contains(&(oid, 0));
        let is_gone =
            if number == 0 { is_table_gone } else { !is_table_gone && !after.contains(&(oid, number)) };
        if is_gone {
            let (rows, chains) = count(transaction, oid, &table, column.as_deref(), run)?;
            if rows > 0 {
                losses.push(Loss { version: run.version, table, column, rows, chains });
            }
        }
    }
    Ok(losses)
}

fn objects(
    transaction: &mut Transaction<'_>,
    run: &Run<'_>,
) -> Result<BTreeMap<Key, (String, Option<String>)>, Error> {
    let rows = transaction.query(OBJECTS, &[]).map_err(run.failed())?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3)))).collect())
}

/// Rows of a table, or with a value in a column, and chains, if the table holds them.
fn count(
    transaction: &mut Transaction<'_>,
    oid: u32,
    table: &str,
    column: Option<&str>,
    run: &Run<'_>,
) -> Result<(u64, Option<u64>), Error> {
    const KIND: &str = "SELECT relforcerowsecurity, EXISTS ( \
             SELECT FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_proc AS p ON p.oid = tgfoid \
             WHERE tgrelid = c.oid AND proname = 'af_audit_chain') \
         FROM pg_catalog.pg_class AS c WHERE c.oid = $1";
    transaction
        .batch_execute(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        .map_err(run.failed())?;
    let kind = transaction.query_one(KIND, &[&oid]).map_err(run.failed())?;
    let (is_forced, is_ledger): (bool, bool) = (kind.get(0), kind.get(1));
    let chains = if is_ledger && column.is_none() { "count(DISTINCT tenant_id)" } else { "NULL::bigint" };
    let counted = column.unwrap_or("*");
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
