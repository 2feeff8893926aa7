//! The ends of the chains: that each begins with 1, and that its head stands on the entry before. Whether all that is between
//! is intact, `audit verify` tells.

use postgres::GenericClient;
use serde_json::json;

use crate::relation::{Relation, RelationError};
use crate::server::ServerError;
use crate::validate::health::{Finding, Status};

/// For each tenant in the ledger, by the primary key: from one to the next, without reading what is between. The search_path
/// leads to the table, and its name comes from the catalog.
fn ends(table: &str) -> String {
    format!(
        "WITH RECURSIVE tenant (id) AS (
            SELECT min_id FROM (SELECT tenant_id AS min_id FROM {table} ORDER BY tenant_id LIMIT 1) AS first
            UNION ALL
            SELECT (SELECT a.tenant_id FROM {table} AS a WHERE a.tenant_id > tenant.id ORDER BY a.tenant_id LIMIT 1)
            FROM tenant WHERE tenant.id IS NOT NULL
        )
        SELECT count(*), coalesce(sum(head.seq), 0)::bigint,
               count(*) FILTER (WHERE first.seq <> 1),
               count(*) FILTER (WHERE head.seq > 1 AND before.hash IS DISTINCT FROM head.prev_hash)
        FROM tenant
        CROSS JOIN LATERAL (SELECT a.seq, a.prev_hash FROM {table} AS a WHERE a.tenant_id = tenant.id ORDER BY a.seq DESC LIMIT 1) AS head
        CROSS JOIN LATERAL (SELECT a.seq FROM {table} AS a WHERE a.tenant_id = tenant.id ORDER BY a.seq LIMIT 1) AS first
        LEFT JOIN LATERAL (SELECT a.hash FROM {table} AS a WHERE a.tenant_id = tenant.id AND a.seq = head.seq - 1) AS before ON true
        WHERE tenant.id IS NOT NULL"
    )
}

/// What the ends of the chains look like; where that cannot be told, why not.
pub(super) fn look(client: &mut impl GenericClient) -> Result<Result<Finding, String>, ServerError> {
    const PART: &str = "chains";
    let relation = match Relation::find(client, "audits") {
        Ok(relation) => relation,
        Err(RelationError::Server { source, .. }) => return Err(source),
        Err(error) => return Ok(Err(error.to_string())),
    };
    if relation.may_hide_rows(client)? {
        return Ok(Err(
            "row-level security may hide chains from this role; one such as af_auditor sees all".to_owned()
        ));
    }
    let row = client.query_one(&ends(&relation.name), &[])?;
    let (chains, entries, headless, loose): (i64, i64, i64, i64) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    if chains == 0 {
        return Ok(Err("the ledger has no entries yet".to_owned()));
    }
    let observed = json!({"chains": chains, "entries_by_heads": entries});
    let broken = headless + loose;
    Ok(Ok(if broken == 0 {
        Finding::pass(PART, observed)
    } else {
        Finding::problem(
            Status::Fail,
            PART,
            observed,
            format!(
                "of {chains} chains {headless} do not begin with entry 1, and of {loose} the head does not stand on the entry before"
            ),
            "`af-tools audit verify` names the entries; docs/forensics.md says what to keep before anything is changed.",
        )
    }))
}
