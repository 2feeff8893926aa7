//! Which tables are meant, and whether they have the form that is counted on.

use postgres::GenericClient;
use uuid::Uuid;

use crate::server::ServerError;

/// The name of a column and of its type, as `format_type` writes it.
pub(crate) type ColumnType = (&'static str, &'static str);

/// Whether row-level security may hide rows of the table with OID `$1`.
const MAY_HIDE_ROWS: &str = include_str!("../../sql/may_hide_rows.sql");

/// Why a table cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum RelationError {
    /// No such table on the search_path.
    #[error("find table {0}: it is not on the search_path of this database")]
    Missing(&'static str),
    /// Something else goes by its name.
    #[error("find table {0}: it is not a table")]
    NotATable(String),
    /// A column is not there, or not of its type.
    #[error("check {table}: column {column} must be of type {wanted}, {found}")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: &'static str,
        /// The type it must have.
        wanted: &'static str,
        /// What was found.
        found: String,
    },
    /// The server refused.
    #[error("look up table {table}")]
    Server {
        /// The table.
        table: &'static str,
        /// What it said.
        source: ServerError,
    },
}

impl RelationError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing(_) => {
                "`af-tools migrate up` creates the tables; `--schema NAME` says where they are."
            }
            Self::NotATable(_) | Self::Column { .. } => {
                "The schema is not the one that pg_af's migrations create: compare with sql/migrations."
            }
            Self::Server { source, .. } => return source.hint(),
        };
        Some(hint.to_owned())
    }
}

/// A table, found once, then addressed by OID or full name.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) oid: u32,
    /// Schema and name, quoted where they must be.
    pub(crate) name: String,
}

impl Relation {
    /// Finds `table` on the search_path.
    pub(crate) fn find(client: &mut impl GenericClient, table: &'static str) -> Result<Self, RelationError> {
        const FIND: &str = "SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind IN ('r', 'p') \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid = pg_catalog.to_regclass($1)";
        let row = client
            .query_opt(FIND, &[&table])
            .map_err(|source| RelationError::Server { table, source: source.into() })?
            .ok_or(RelationError::Missing(table))?;
        let relation = Self { oid: row.get(0), name: row.get(1) };
        if row.get(2) { Ok(relation) } else { Err(RelationError::NotATable(relation.name)) }
    }

    /// Finds `table`, and makes sure that its columns are what they are read as.
    pub(crate) fn find_with_columns(
        client: &mut impl GenericClient,
        table: &'static str,
        columns: &[ColumnType],
    ) -> Result<Self, RelationError> {
        const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, NULL) FROM pg_catalog.pg_attribute \
             WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";
        let relation = Self::find(client, table)?;
        let rows = client
            .query(COLUMNS, &[&relation.oid])
            .map_err(|source| RelationError::Server { table, source: source.into() })?;
        let found: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for &(column, wanted) in columns {
            let found = match found.iter().find(|(name, _)| name == column) {
                // The two come over the connection alike.
                Some((_, data_type)) if data_type == "character varying" && wanted == "text" => continue,
                Some((_, data_type)) if data_type == wanted => continue,
                Some((_, data_type)) => format!("and is {data_type}"),
                None => "and is not there".to_owned(),
            };
            return Err(RelationError::Column { table: relation.name, column, wanted, found });
        }
        Ok(relation)
    }

    /// Whether row-level security may hide rows of it from the current role.
    pub(crate) fn may_hide_rows(&self, client: &mut impl GenericClient) -> Result<bool, postgres::Error> {
        Ok(client.query_one(MAY_HIDE_ROWS, &[&self.oid])?.get(0))
    }

    /// About how many rows it has, by the last ANALYZE; nothing where that is not known.
    pub(crate) fn estimate(&self, client: &mut impl GenericClient) -> Result<Option<u64>, postgres::Error> {
        const ESTIMATE: &str = "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_catalog.pg_class c \
             WHERE c.relkind = 'r' AND (c.oid = $1 OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass)))";
        let estimate: i64 = client.query_one(ESTIMATE, &[&self.oid])?.get(0);
        Ok(u64::try_from(estimate).ok().filter(|estimate| *estimate > 0))
    }
}

/// A condition on tenants for a query; none where all are meant. COPY takes no parameters; a UUID holds nothing but
/// hexadecimal digits and hyphens.
pub(crate) fn tenants_condition(tenants: &[Uuid]) -> Option<String> {
    let quoted: Vec<String> = tenants.iter().map(|tenant| format!("'{tenant}'")).collect();
    (!tenants.is_empty()).then(|| format!("tenant_id IN ({})", quoted.join(", ")))
}
