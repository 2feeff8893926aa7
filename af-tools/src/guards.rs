//! Whether what guards the ledger is in place: the triggers, the extension's functions, the constraints on what is hashed,
//! row-level security and its policies, grants, roles and owners.
//!
//! What should be is what the migrations of this build lead to ([`crate::migrate::EXPECTED`]); what is, the catalog says.
//! Both are compared as text in the form that PostgreSQL itself gives, so there is no second list of guards that could be
//! forgotten. Whoever owns the server can make a catalog lie; against that, only checkpoints help that are kept elsewhere.

mod access;
mod expected;
mod functions;
mod shape;
mod tables;
mod triggers;

use postgres::GenericClient;
use serde::Serialize;

use crate::server::{ServerError, quote_ident};
use expected::Expected;

/// The tables that only grow.
const APPEND_ONLY: [&str; 4] = ["audits", "messages", "audit_checkpoints", "audit_verifications"];

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Not as the migrations made it, and no guard is open for it.
    Differs,
    /// A guard is off, or can be gone around.
    Open,
}

/// A guard that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weakness {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub problem: String,
    /// The SQL that sets it right, or advice.
    pub remedy: String,
}

impl Weakness {
    fn open(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Open, problem: problem.into(), remedy: remedy.into() }
    }

    fn differs(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Differs, ..Self::open(problem, remedy) }
    }
}

/// What a look at the guards came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// How many guards there should be.
    pub expected: Expectations,
    /// How many of the tables are there at all.
    pub tables_found: usize,
    /// What is not as it should be, worst first.
    pub weaknesses: Vec<Weakness>,
}

impl Inspection {
    /// Whether the schema is one that the migrations made, so that there is something to compare it with. A table `audits` may be
    /// anybody's own.
    pub fn is_of_platform(&self) -> bool {
        self.tables_found * 2 > self.expected.tables
    }

    /// The guards that are off, or can be gone around.
    pub fn open(&self) -> impl Iterator<Item = &Weakness> {
        self.weaknesses.iter().filter(|weakness| weakness.severity == Severity::Open)
    }
}

/// How far the migrations of this build are applied, by the book where the session's search_path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// There is no book, or the role may not read it.
    Unknown,
    /// The newest migration in it, and whether the first is that of this build, so that it is not another program's book.
    UpTo {
        /// The newest that was completed; 0 where none was.
        version: i64,
        /// Whether the first is that of this build.
        is_ours: bool,
    },
}

/// Looks into the book of migrations.
pub fn applied(client: &mut impl GenericClient) -> Result<Applied, ServerError> {
    const BOOK: &str = "SELECT CASE WHEN pg_catalog.has_table_privilege(t.book, 'SELECT') THEN t.book::text END \
         FROM (SELECT pg_catalog.to_regclass('_sqlx_migrations') AS book) AS t WHERE t.book IS NOT NULL";
    let book = client.query_opt(BOOK, &[])?.and_then(|row| row.get::<_, Option<String>>(0));
    let Some(book) = book else { return Ok(Applied::Unknown) };
    let newest = format!(
        "SELECT coalesce(max(version) FILTER (WHERE success), 0)::bigint, \
                coalesce(bool_or(version = 1 AND checksum = ANY ($1)), false) FROM {book}"
    );
    let row = client.query_one(&newest, &[&crate::migrate::checksums_of(1)])?;
    Ok(Applied::UpTo { version: row.get(0), is_ours: row.get(1) })
}

/// How many guards the migrations make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Expectations {
    /// Triggers that always fire.
    pub triggers: usize,
    /// Tables under row-level security.
    pub tables: usize,
    /// Policies on them.
    pub policies: usize,
    /// Privileges that others than the owner have.
    pub grants: usize,
}

/// Whether the functions that verify and hash are the extension's own, and no others are found in their place: those of a database
/// that is made of a dump could be anybody's.
pub fn has_genuine_functions(client: &mut impl GenericClient) -> Result<bool, ServerError> {
    Ok(functions::inspect(client)?.is_empty())
}

/// Looks at the guards of the tables in the schema where `audits` is, by the session's search_path. Needs no rights but to
/// read the catalog.
pub fn inspect(client: &mut impl GenericClient) -> Result<Inspection, ServerError> {
    const PLACE: &str = "SELECT n.nspname::text, quote_ident(n.nspname), \
         (SELECT quote_ident(x.nspname) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace x ON x.oid = e.extnamespace \
          WHERE e.extname = 'pg_af') \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = pg_catalog.to_regclass('audits')";
    let expected = Expected::of_build();
    let Some(place) = client.query_opt(PLACE, &[])? else {
        let remedy = "`af-tools migrate up` creates it; --schema says where it is.";
        let weaknesses = vec![Weakness::open("there is no table audits on the search_path", remedy)];
        return Ok(Inspection { expected: expected.count(), tables_found: 0, weaknesses });
    };
    let quoted: String = place.get(1);
    let prefixes = [Some(quoted.clone()), place.get(2)]
        .into_iter()
        .flatten()
        .map(|schema| format!("{schema}."))
        .collect();
    // One snapshot for everything. Without a search_path, names come with their schemas, as in a dump.
    let mut transaction = client.transaction()?;
    transaction.batch_execute(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL search_path = ''",
    )?;
    let mut catalog = Catalog { expected, schema: place.get(0), quoted, prefixes, transaction };
    let tables_found = access::tables_found(&mut catalog)?;
    let mut weaknesses = triggers::inspect(&mut catalog)?;
    weaknesses.extend(functions::inspect(&mut catalog.transaction)?);
    weaknesses.extend(shape::inspect(&mut catalog)?);
    weaknesses.extend(tables::inspect(&mut catalog)?);
    weaknesses.extend(access::inspect(&mut catalog)?);
    catalog.transaction.rollback()?;
    weaknesses.sort_by_key(|weakness| std::cmp::Reverse(weakness.severity));
    Ok(Inspection { expected: catalog.expected.count(), tables_found, weaknesses })
}

/// What is and what should be, while they are compared.
struct Catalog<'a> {
    expected: Expected,
    /// The schema that the tables are in, and its name as an identifier.
    schema: String,
    quoted: String,
    /// What stands before the names of tables, and of the extension's functions, in definitions.
    prefixes: Vec<String>,
    transaction: postgres::Transaction<'a>,
}

impl Catalog<'_> {
    /// A table's name with its schema.
    fn name(&self, table: &str) -> String {
        format!("{}.{}", self.quoted, quote_ident(table))
    }

    /// An expected definition as it would be made here, where the search_path leads to the tables.
    fn unqualified(definition: &str) -> String {
        without(definition, &format!("{}.", expected::SCHEMA))
    }

    /// Whether a definition in the catalog is the expected one, wherever tables and extension are.
    fn is_as_expected(&self, found: &str, expected: &str) -> bool {
        let found = self.prefixes.iter().fold(found.to_owned(), |text, prefix| without(&text, prefix));
        found == Self::unqualified(expected)
    }
}

/// A definition without a prefix of the names in it. They stand after a space or a parenthesis: what else ends like the prefix
/// is part of another name.
fn without(definition: &str, prefix: &str) -> String {
    definition.replace(&format!(" {prefix}"), " ").replace(&format!("({prefix}"), "(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_from_names_only() {
        for (definition, prefix, expected) in [
            ("ON c.audits EXECUTE FUNCTION public.f()", "c.", "ON audits EXECUTE FUNCTION public.f()"),
            ("USING (c.f() = c.x)", "c.", "USING (f() = x)"),
            ("ON evil_public.audits", "public.", "ON evil_public.audits"),
            ("ON \"My c\".audits", "\"My c\".", "ON audits"),
        ] {
            assert_eq!(without(definition, prefix), expected);
        }
    }
}
