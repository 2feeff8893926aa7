//! The functions that verify and hash: that they are the extension's own, and that no other is found in their place.

use postgres::GenericClient;

use super::Weakness;
use crate::server::ServerError;

/// What the extension declares: name, number of arguments, symbol in the library. What pgrx declares has a symbol of its own.
const FUNCTIONS: [(&str, i16, &str); 19] = [
    ("af_audit_chain", 0, "af_audit_chain"),
    ("af_audit_findings", 3, "af_audit_findings_wrapper"),
    ("af_audit_guard", 0, "af_audit_guard"),
    ("af_audit_hash", 12, "af_audit_hash_wrapper"),
    ("af_audit_head", 2, "af_audit_head_wrapper"),
    ("af_audit_record", 11, "af_audit_record_wrapper"),
    ("af_audit_tally_add", 15, "af_audit_tally_add"),
    ("af_audit_tally_merge", 2, "af_audit_tally_merge"),
    ("af_audit_tally_read", 2, "af_audit_tally_read"),
    ("af_audit_tally_write", 1, "af_audit_tally_write"),
    ("af_audit_verify", 2, "af_audit_verify_wrapper"),
    ("af_audit_verify", 4, "af_audit_verify_since_wrapper"),
    ("af_canonical_json", 1, "af_canonical_json_wrapper"),
    ("af_envelope", 10, "af_envelope_wrapper"),
    ("af_envelope_check", 0, "af_envelope_check"),
    ("af_envelope_hash", 10, "af_envelope_hash_wrapper"),
    ("af_message_verify", 3, "af_message_verify_wrapper"),
    ("af_version", 0, "af_version_wrapper"),
    ("af_wal_flush", 0, "af_wal_flush"),
];

/// The functions of these names, wherever they are, and whether each is the extension's own: in C, from its library, run with
/// the caller's rights, and owned by whoever owns the extension.
const FOUND: &str = "
    SELECT p.proname::text, p.pronargs, p.prosrc, n.nspname::text, e.oid IS NOT NULL,
           coalesce(l.lanname = 'c' AND p.probin = 'pg_af' AND NOT p.prosecdef AND p.proowner = e.extowner
               AND coalesce(p.proconfig = '{jit=off}', true), false)
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
    LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_af'
    WHERE p.proname = ANY ($1)
    ORDER BY 1, 2, 4";

const REPLACED: &str = "Find out who replaced it; then DROP EXTENSION pg_af CASCADE, CREATE EXTENSION pg_af, and the triggers anew \
     (docs/forensics.md says what to keep before).";

pub(super) fn inspect(client: &mut impl GenericClient) -> Result<Vec<Weakness>, ServerError> {
    let names = FUNCTIONS.map(|(name, ..)| name);
    let rows = client.query(FOUND, &[&names.as_slice()])?;
    let mut genuine = Vec::new();
    let mut weaknesses = Vec::new();
    for row in &rows {
        let (name, arguments, symbol): (String, i16, String) = (row.get(0), row.get(1), row.get(2));
        let (schema, is_member, is_genuine): (String, bool, bool) = (row.get(3), row.get(4), row.get(5));
        if !is_member {
            weaknesses.push(Weakness::open(
                format!("function {schema}.{name} is none of the extension's, and may be called in the place of its own"),
                "Find out who made it, and drop it.",
            ));
        } else if is_genuine && FUNCTIONS.contains(&(name.as_str(), arguments, symbol.as_str())) {
            genuine.push((name, arguments));
        } else {
            weaknesses.push(Weakness::open(
                format!("function {name} is not as the extension pg_af declares it"),
                REPLACED,
            ));
        }
    }
    for (name, arguments, _) in FUNCTIONS {
        let is_found =
            |row: &postgres::Row| row.get::<_, &str>(0) == name && row.get::<_, i16>(1) == arguments;
        if !rows.iter().any(is_found) {
            weaknesses.push(Weakness::open(format!("function {name} is missing"), REPLACED));
        }
    }
    Ok(weaknesses)
}
