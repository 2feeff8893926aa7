//! The functions that verify and hash: that they are the extension's own, and that no other is found in their place.

use postgres::GenericClient;

use super::Weakness;
use crate::server::ServerError;

/// What the extension declares: name, number of arguments, symbol in the library, and how it is called: volatility (`i`mmutable,
/// `s`table, `v`olatile), parallel safety (`s`afe, `r`estricted, `u`nsafe), and `n` where null arguments are passed to it. What pgrx
/// declares has a symbol of its own; what adds up a chain's entries is an aggregate.
const FUNCTIONS: [(&str, i16, &str, &str); 20] = [
    ("af_audit_chain", 0, "af_audit_chain", "vun"),
    ("af_audit_findings", 3, "af_audit_findings_wrapper", "srn"),
    ("af_audit_guard", 0, "af_audit_guard", "vun"),
    ("af_audit_hash", 12, "af_audit_hash_wrapper", "isn"),
    ("af_audit_head", 2, "af_audit_head_wrapper", "srn"),
    ("af_audit_record", 11, "af_audit_record_wrapper", "isn"),
    ("af_audit_tally", 14, "aggregate_dummy", "isn"),
    ("af_audit_tally_add", 15, "af_audit_tally_add", "isn"),
    ("af_audit_tally_merge", 2, "af_audit_tally_merge", "isn"),
    ("af_audit_tally_read", 2, "af_audit_tally_read", "is"),
    ("af_audit_tally_write", 1, "af_audit_tally_write", "is"),
    ("af_audit_verify", 2, "af_audit_verify_wrapper", "srn"),
    ("af_audit_verify", 4, "af_audit_verify_since_wrapper", "srn"),
    ("af_canonical_json", 1, "af_canonical_json_wrapper", "is"),
    ("af_envelope", 10, "af_envelope_wrapper", "isn"),
    ("af_envelope_check", 0, "af_envelope_check", "vun"),
    ("af_envelope_hash", 10, "af_envelope_hash_wrapper", "isn"),
    ("af_message_verify", 3, "af_message_verify_wrapper", "srn"),
    ("af_version", 0, "af_version_wrapper", "is"),
    ("af_wal_flush", 0, "af_wal_flush", "vrn"),
];

/// The functions of these names, wherever they are, and whether each is the extension's own: in C, from its library, run with
/// the caller's rights, and owned by whoever owns the extension. An aggregate is made of such functions.
const FOUND: &str = "
    SELECT p.proname::text, p.pronargs, p.prosrc, n.nspname::text, e.oid IS NOT NULL,
           coalesce(CASE WHEN p.prokind = 'a' THEN a.parts ELSE l.lanname = 'c' AND p.probin = 'pg_af' END
               AND NOT p.prosecdef AND p.proowner = e.extowner AND coalesce(p.proconfig = '{jit=off}', true), false),
           p.provolatile::text || p.proparallel::text || CASE WHEN p.proisstrict THEN '' ELSE 'n' END,
           CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE 'function' END
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
    LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_af'
    LEFT JOIN LATERAL (
        SELECT pg_catalog.array_agg(s.proname::text ORDER BY t.place)
                   = '{af_audit_tally_add,af_audit_tally_merge,af_audit_tally_write,af_audit_tally_read,af_audit_tally_write}' AS parts
        FROM pg_catalog.pg_aggregate AS g
        CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[
            g.aggtransfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggfinalfn]::oid[]) WITH ORDINALITY AS t (part, place)
        LEFT JOIN pg_catalog.pg_proc AS s ON s.oid = t.part
        WHERE g.aggfnoid = p.oid
    ) AS a ON true
    WHERE p.proname = ANY ($1)
    ORDER BY 1, 2, 4";

const REPLACED: &str = "Find out who replaced it; then DROP EXTENSION pg_af CASCADE, CREATE EXTENSION pg_af, and the triggers anew \
     (docs/forensics.md says what to keep before).";

pub(super) fn inspect(client: &mut impl GenericClient) -> Result<Vec<Weakness>, ServerError> {
    let names = FUNCTIONS.map(|(name, ..)| name);
    let rows = client.query(FOUND, &[&names.as_slice()])?;
    let mut weaknesses = Vec::new();
    for row in &rows {
        let (name, arguments, symbol): (&str, i16, &str) = (row.get(0), row.get(1), row.get(2));
        let (schema, is_member, is_genuine): (&str, bool, bool) = (row.get(3), row.get(4), row.get(5));
        let (called, kind): (&str, &str) = (row.get(6), row.get(7));
        if !is_member {
            weaknesses.push(Weakness::open(
                format!("{kind} {schema}.{name} is none of the extension's, and may be called in the place of its own"),
                "Find out who made it, and drop it.",
            ));
        } else if !is_genuine || !FUNCTIONS.contains(&(name, arguments, symbol, called)) {
            weaknesses.push(Weakness::open(
                format!("{kind} {name} is not as the extension pg_af declares it"),
                REPLACED,
            ));
        }
    }
    for (name, arguments, ..) in FUNCTIONS {
        let is_found =
            |row: &postgres::Row| row.get::<_, &str>(0) == name && row.get::<_, i16>(1) == arguments;
        // One of the same name that is not the extension's does not stand for it.
        if !rows.iter().any(|row| row.get(4) && is_found(row)) {
            weaknesses.push(Weakness::open(format!("function {name} is missing"), REPLACED));
        }
    }
    Ok(weaknesses)
}
