//! A row for each of the tables that belong to tenants, to be stored as it is or with a column changed.

use postgres::GenericClient;
use uuid::Uuid;

/// The tables that belong to tenants, each after those that it refers to, with a row: its columns, and their values as
/// SQL expressions in which `tenant` and `id` stand for UUIDs.
pub const TABLES: [(&str, &[(&str, &str)]); 10] = [
    ("users", &[("email", "'someone@example.org'"), ("hashed_secret", "'$argon2id$…'")]),
    ("agents", &[("name", "'scout'"), ("type", "'llm'"), ("role", "'researcher'")]),
    ("workflows", &[("name", "'review'"), ("config_yaml", "'steps: []'"), ("planner_type", "'static'")]),
    ("plans", &[("workflow_id", "id"), ("state", "'running'")]),
    (
        "messages",
        &[
            ("trace_id", "'trace'"),
            ("from_agent", "'scout'"),
            ("to_agent", "'writer'"),
            ("type", "'request'"),
            ("metadata", "'{\"attempt\": 1}'"),
            ("ts", "now()"),
        ],
    ),
    ("tools", &[("name", "'search'"), ("permissions", "'[\"net\"]'")]),
    (
        "audits",
        &[
            ("actor_type", "'user'"),
            ("actor_id", "'someone'"),
            ("action", "'read'"),
            ("resource_type", "'document'"),
        ],
    ),
    ("budgets", &[("name", "'tokens'"), ("type", "'agent'"), ("limits", "'{\"tokens\": 1000}'")]),
    ("rbac_roles", &[("name", "'editor'"), ("permissions", "'[\"workflow:write\"]'")]),
    ("rbac_bindings", &[("user_id", "id"), ("role_id", "id")]),
];

/// The tables that belong to tenants and are kept of the ledger, without ids of their own.
pub const KEPT: [&str; 1] = ["audit_checkpoints"];

/// The tables that belong to no tenant, and tell of the ledger as a whole.
pub const OVERALL: [&str; 1] = ["audit_verifications"];

/// The statement that inserts a row into a table, with some columns' values replaced or added.
///
/// # Panics
///
/// When there is no such table.
#[must_use]
pub fn insertion(table: &str, tenant: Uuid, id: Uuid, changes: &[(&str, &str)]) -> String {
    let (_, columns) = TABLES.iter().find(|(name, _)| *name == table).expect("a table of a tenant's");
    let mut values = vec![("tenant_id", "tenant"), ("id", "id")];
    values.extend_from_slice(columns);
    // Written twice, in the row and in what is hashed, it must be the same.
    let random = format!("uuid '{}'", Uuid::new_v4());
    for &(column, value) in changes {
        values.retain(|(name, _)| *name != column);
        values.push((column, if value == "gen_random_uuid()" { &random } else { value }));
    }
    let envelope_hash = envelope_hash(&values);
    if table == "messages" && values.iter().all(|(column, _)| *column != "envelope_hash") {
        values.push(("envelope_hash", &envelope_hash));
    }
    let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
    let (columns, values) = (columns.join(", "), values.join(", "));
    format!(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM (SELECT uuid '{tenant}', uuid '{id}') AS row (tenant, id)"
    )
}

/// What hashes a message of these values, as a SQL expression; an absent one is what the table takes for it.
fn envelope_hash(values: &[(&str, &str)]) -> String {
    let value = |column: &str, absent: &'static str| {
        let found = values.iter().find(|(name, _)| *name == column);
        found.map_or(absent.to_owned(), |(_, value)| (*value).to_owned())
    };
    let ids =
        ["id", "trace_id", "span_id", "from_agent", "to_agent", "type"].map(|column| value(column, "NULL"));
    let contents = ["payload", "metadata", "cost"].map(|column| value(column, "'{}'"));
    format!("af_envelope_hash({}, {}, {})", ids.join(", "), contents.join(", "), value("ts", "NULL"))
}

/// Adds a tenant with a row in each table. The id of each row is the tenant's own, so that a test knows it.
///
/// # Panics
///
/// When that fails.
pub fn add_tenant_with_rows(client: &mut impl GenericClient, name: &str) -> Uuid {
    let tenant = crate::ledger::add_tenant(client, name);
    for (table, _) in TABLES {
        let insert = insertion(table, tenant, tenant, &[]);
        client.batch_execute(&insert).unwrap_or_else(|error| panic!("{insert}: {error:?}"));
    }
    tenant
}
