COMMENT ON FUNCTION af_canonical_json(jsonb) IS
    'canonical text of a JSON value: RFC 8785, with numbers kept exactly';
COMMENT ON FUNCTION af_audit_record(smallint, uuid, bigint, uuid, text, text, text, text, text, jsonb, timestamptz) IS
    'canonical record of an audit entry, the text that its hash covers';
COMMENT ON FUNCTION af_audit_hash(bytea, smallint, uuid, bigint, uuid, text, text, text, text, text, jsonb, timestamptz) IS
    'hash of an audit entry: sha256(prev_hash || record)';
COMMENT ON FUNCTION af_audit_chain() IS
    'BEFORE INSERT row trigger: gives an audit entry its place in its tenant''s hash chain';
COMMENT ON FUNCTION af_audit_guard() IS
    'BEFORE UPDATE, DELETE or TRUNCATE trigger: refuses them all';
COMMENT ON FUNCTION af_audit_verify(uuid, regclass) IS
    'recomputes and checks every entry and link: one row a chain, with the first finding';
COMMENT ON FUNCTION af_audit_verify(uuid, bigint, bytea, regclass) IS
    'checks what a chain has got since a recorded entry, and that this one is as it was';
COMMENT ON AGGREGATE af_audit_tally(bytea, uuid, bigint, uuid, timestamptz, text, text, text, text, text, jsonb, smallint, bytea, bytea) IS
    'internal: what entries add up to, in any order; a part of af_audit_verify()';
COMMENT ON FUNCTION af_audit_tally_add(internal, bytea, uuid, bigint, uuid, timestamptz, text, text, text, text, text, jsonb, smallint, bytea, bytea) IS
    'internal: a part of the aggregate af_audit_tally';
COMMENT ON FUNCTION af_audit_tally_merge(internal, internal) IS
    'internal: a part of the aggregate af_audit_tally';
COMMENT ON FUNCTION af_audit_tally_write(internal) IS
    'internal: a part of the aggregate af_audit_tally';
COMMENT ON FUNCTION af_audit_tally_read(bytea, internal) IS
    'internal: a part of the aggregate af_audit_tally';
COMMENT ON FUNCTION af_audit_findings(uuid, regclass, integer) IS
    'recomputes and checks every entry and link: one row a finding';
COMMENT ON FUNCTION af_audit_head(uuid, regclass) IS
    'the last entry of a tenant''s chain';
COMMENT ON FUNCTION af_envelope(uuid, text, text, text, text, text, jsonb, jsonb, jsonb, timestamptz) IS
    'canonical envelope of a message, the text that its envelope_hash covers';
COMMENT ON FUNCTION af_envelope_hash(uuid, text, text, text, text, text, jsonb, jsonb, jsonb, timestamptz) IS
    'envelope_hash of a message: lower-case hexadecimal SHA-256 of its envelope';
COMMENT ON FUNCTION af_envelope_check() IS
    'BEFORE INSERT row trigger: refuses a message whose envelope_hash is missing or wrong';
COMMENT ON FUNCTION af_message_verify(uuid, text, regclass) IS
    'recomputes every envelope_hash: one row for each message that does not match';
COMMENT ON FUNCTION af_wal_flush() IS
    'makes durable what the snapshot shows, so that it can be told outside of the database: how far WAL is flushed';
COMMENT ON FUNCTION af_version() IS
    'version of the pg_af library that is loaded';

-- Compiling the query takes longer than it saves in a function that spends its time elsewhere.
ALTER FUNCTION af_audit_verify(uuid, regclass) SET jit = off;
ALTER FUNCTION af_audit_findings(uuid, regclass, integer) SET jit = off;

-- All of them work with the caller's own rights on the tables, so nobody gains anything by a call. A flush is what every
-- commit does.
GRANT EXECUTE ON FUNCTION
    af_canonical_json(jsonb),
    af_audit_record(smallint, uuid, bigint, uuid, text, text, text, text, text, jsonb, timestamptz),
    af_audit_hash(bytea, smallint, uuid, bigint, uuid, text, text, text, text, text, jsonb, timestamptz),
    af_audit_chain(),
    af_audit_guard(),
    af_audit_verify(uuid, regclass),
    af_audit_verify(uuid, bigint, bytea, regclass),
    af_audit_findings(uuid, regclass, integer),
    af_audit_tally_add(internal, bytea, uuid, bigint, uuid, timestamptz, text, text, text, text, text, jsonb, smallint, bytea, bytea),
    af_audit_tally_merge(internal, internal),
    af_audit_tally_write(internal),
    af_audit_tally_read(bytea, internal),
    af_audit_tally(bytea, uuid, bigint, uuid, timestamptz, text, text, text, text, text, jsonb, smallint, bytea, bytea),
    af_audit_head(uuid, regclass),
    af_envelope(uuid, text, text, text, text, text, jsonb, jsonb, jsonb, timestamptz),
    af_envelope_hash(uuid, text, text, text, text, text, jsonb, jsonb, jsonb, timestamptz),
    af_envelope_check(),
    af_message_verify(uuid, text, regclass),
    af_wal_flush(),
    af_version()
TO PUBLIC;
