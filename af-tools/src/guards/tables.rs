//! The append-only tables themselves: that a crash does not empty them, no other table's rows show in them, and their foreign
//! keys are enforced.

use super::{APPEND_ONLY, Catalog, Weakness};
use crate::server::ServerError;

const UNLOGGED: &str = "
    SELECT c.relname::text
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p') AND c.relpersistence <> 'p'
    ORDER BY 1";

const CHILDREN: &str = "
    SELECT c.relname::text, pg_catalog.format('%I.%I', m.nspname, h.relname)
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhparent
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_class AS h ON h.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace AS m ON m.oid = h.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2)
    ORDER BY 1, 2";

/// PostgreSQL enforces a foreign key by triggers on both tables.
const UNENFORCED: &str = "
    SELECT c.relname::text, k.conname::text, pg_catalog.format('%I.%I', m.nspname, o.relname),
           pg_catalog.string_agg(pg_catalog.format('ENABLE TRIGGER %I', t.tgname), ', ' ORDER BY t.tgname)
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_trigger AS t ON t.tgconstraint = k.oid
    JOIN pg_catalog.pg_class AS o ON o.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace AS m ON m.oid = o.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2) AND k.contype = 'f' AND t.tgenabled IN ('D', 'R')
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3";

pub(super) fn inspect(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    let tables = APPEND_ONLY.as_slice();
    let mut weaknesses = Vec::new();
    for row in catalog.transaction.query(UNLOGGED, &[&catalog.schema, &tables])? {
        let table: &str = row.get(0);
        weaknesses.push(Weakness::open(
            format!("table {table} is unlogged: a crash of the server empties it, and no backup or standby has its rows"),
            format!("ALTER TABLE {} SET LOGGED;", catalog.name(table)),
        ));
    }
    for row in catalog.transaction.query(CHILDREN, &[&catalog.schema, &tables])? {
        let (table, child): (&str, &str) = (row.get(0), row.get(1));
        weaknesses.push(Weakness::open(
            format!("table {child} inherits from {table}: its rows show there, and no trigger has seen them"),
            format!("ALTER TABLE {child} NO INHERIT {};", catalog.name(table)),
        ));
    }
    for row in catalog.transaction.query(UNENFORCED, &[&catalog.schema, &tables])? {
        let (table, constraint, on, enable): (&str, &str, &str, &str) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        weaknesses.push(Weakness::open(
            format!("foreign key {constraint} on {table} is not enforced: its triggers on {on} are disabled"),
            format!("ALTER TABLE {on} {enable};"),
        ));
    }
    Ok(weaknesses)
}
