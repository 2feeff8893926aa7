//! The constraints on what is hashed: columns that cannot be null, keys and checks.

use std::collections::BTreeMap;

use super::expected::{SCHEMA, single_spaced};
use super::{APPEND_ONLY, Catalog, Weakness};
use crate::migrate::EXPECTED;
use crate::server::{ServerError, quote_ident};

/// By name: the definition, in single spaces.
type Constraints = BTreeMap<String, String>;

const FOUND: &str = "
    SELECT c.relname::text, k.conname::text, pg_catalog.pg_get_constraintdef(k.oid)
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2) AND k.contype IN ('c', 'p', 'u', 'f')";

/// Since version 18 also what is declared NOT NULL without a look at the rows that are there (NOT VALID).
const NULLABLE: &str = "
    SELECT c.relname::text, a.attname::text, a.attnotnull
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2) AND a.attnum > 0 AND NOT a.attisdropped
          AND (NOT a.attnotnull OR EXISTS (
              SELECT FROM pg_catalog.pg_constraint AS k
              WHERE k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey)))";

pub(super) fn inspect(catalog: &mut Catalog<'_>) -> Result<Vec<Weakness>, ServerError> {
    let tables = APPEND_ONLY.as_slice();
    let constraints = catalog.transaction.query(FOUND, &[&catalog.schema, &tables])?;
    let nullable = catalog.transaction.query(NULLABLE, &[&catalog.schema, &tables])?;
    let mut weaknesses = Vec::new();
    for table in APPEND_ONLY {
        let name = catalog.name(table);
        let found = constraints.iter().filter(|row| row.get::<_, &str>(0) == table);
        let found: Constraints = found.map(|row| (row.get(1), single_spaced(row.get(2)))).collect();
        let (columns, wanted) = expected(table);
        for (constraint, definition) in wanted {
            let add = format!(
                "ALTER TABLE {name} ADD CONSTRAINT {} {};",
                quote_ident(&constraint),
                Catalog::unqualified(&definition)
            );
            match found.get(&constraint) {
                Some(is) if catalog.is_as_expected(is, &definition) => {}
                Some(is) => weaknesses.push(Weakness::open(
                    format!("constraint {constraint} on {table} is another one: {is}"),
                    format!("ALTER TABLE {name} DROP CONSTRAINT {}; {add}", quote_ident(&constraint)),
                )),
                None => weaknesses
                    .push(Weakness::open(format!("constraint {constraint} on {table} is missing"), add)),
            }
        }
        for column in columns {
            let found =
                nullable.iter().find(|row| row.get::<_, &str>(0) == table && row.get::<_, &str>(1) == column);
            if let Some(row) = found {
                let problem = if row.get(2) {
                    format!("column {column} of {table} is NOT NULL for new rows only (NOT VALID)")
                } else {
                    format!("column {column} of {table} can be null")
                };
                weaknesses.push(Weakness::open(
                    problem,
                    format!("ALTER TABLE {name} ALTER COLUMN {} SET NOT NULL;", quote_ident(&column)),
                ));
            }
        }
    }
    Ok(weaknesses)
}

/// The columns that cannot be null, and the constraints, by what the migrations lead to.
fn expected(table: &str) -> (Vec<String>, Constraints) {
    let begin = format!("CREATE TABLE {SCHEMA}.{table} (\n");
    let body = EXPECTED.split_once(&begin).and_then(|(_, rest)| rest.split_once("\n);"));
    let mut columns = Vec::new();
    let mut constraints = Constraints::new();
    for part in parts(body.map_or("", |(body, _)| body)) {
        let part = single_spaced(part);
        match part.strip_prefix("CONSTRAINT ").and_then(|rest| rest.split_once(' ')) {
            Some((name, definition)) => drop(constraints.insert(name.to_owned(), definition.to_owned())),
            None if part.ends_with(" NOT NULL") => columns.extend(part.split(' ').next().map(str::to_owned)),
            None => {}
        }
    }
    let added = format!("ALTER TABLE ONLY {SCHEMA}.{table}\n    ADD CONSTRAINT ");
    for rest in EXPECTED.split(&added).skip(1) {
        let definition = rest.split_once(";\n").map_or(rest, |(definition, _)| definition);
        if let Some((name, definition)) = definition.split_once(' ') {
            constraints.insert(name.to_owned(), single_spaced(definition));
        }
    }
    (columns, constraints)
}

/// What stands between commas that are in no parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_read_from_the_schema() {
        let (columns, constraints) = expected("audits");
        assert_eq!(columns.len(), 11, "{columns:?}");
        assert!(columns.contains(&"hash".to_owned()) && !columns.contains(&"resource_id".to_owned()));
        let names: Vec<&str> = constraints.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "audits_hash_check",
                "audits_id_key",
                "audits_pkey",
                "audits_prev_hash_check",
                "audits_seq_check",
                "audits_tenant_id_fkey"
            ]
        );
        assert_eq!(constraints["audits_pkey"], "PRIMARY KEY (tenant_id, seq)");
        assert_eq!(constraints["audits_hash_check"], "CHECK ((octet_length(hash) = 32))");
        assert!(constraints["audits_prev_hash_check"].starts_with("CHECK ( CASE WHEN (seq = 1)"));
        let (columns, constraints) = expected("messages");
        assert!(columns.contains(&"envelope_hash".to_owned()) && constraints.contains_key("messages_pkey"));
    }
}
