//! Which tables are meant, and whether they have the form that is counted on.

use postgres::GenericClient;

use crate::server::ServerError;

/// The columns of audits, in the order in which they are read, with their types.
pub(crate) const AUDIT_COLUMNS: [(&str, &str); 13] = [
    ("tenant_id", "uuid"),
    ("seq", "bigint"),
    ("id", "uuid"),
    ("ts", "timestamp with time zone"),
    ("actor_type", "text"),
    ("actor_id", "text"),
    ("action", "text"),
    ("resource_type", "text"),
    ("resource_id", "text"),
    ("details", "jsonb"),
    ("hash_version", "smallint"),
    ("prev_hash", "bytea"),
    ("hash", "bytea"),
];

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

    /// Finds audits, and makes sure that its columns are what they are read as.
    pub(crate) fn find_audits(client: &mut impl GenericClient) -> Result<Self, RelationError> {
        const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, NULL) FROM pg_catalog.pg_attribute \
             WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";
        let relation = Self::find(client, "audits")?;
        let rows = client
            .query(COLUMNS, &[&relation.oid])
            .map_err(|source| RelationError::Server { table: "audits", source: source.into() })?;
        let found: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for (column, wanted) in AUDIT_COLUMNS {
            let found = match found.iter().find(|(name, _)| name == column) {
                Some((_, data_type)) if data_type == wanted => continue,
                Some((_, data_type)) => format!("and is {data_type}"),
                None => "and is not there".to_owned(),
            };
            return Err(RelationError::Column { table: relation.name, column, wanted, found });
        }
        Ok(relation)
    }
}
