-- What the entries of all chains add up to, in whatever order they come: the quick part of af_audit_verify(), and of use
-- to nothing else. The states are internal; bytes are for other processes, and for the function that asked.
CREATE FUNCTION af_audit_tally_add(
        internal, key bytea, tenant_id uuid, seq bigint, id uuid, ts timestamptz, actor_type text, actor_id text,
        action text, resource_type text, resource_id text, details jsonb, hash_version smallint, prev_hash bytea,
        hash bytea) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'af_audit_tally_add';

CREATE FUNCTION af_audit_tally_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'af_audit_tally_merge';

CREATE FUNCTION af_audit_tally_write(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'af_audit_tally_write';

CREATE FUNCTION af_audit_tally_read(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'af_audit_tally_read';

CREATE AGGREGATE af_audit_tally(
        key bytea, tenant_id uuid, seq bigint, id uuid, ts timestamptz, actor_type text, actor_id text, action text,
        resource_type text, resource_id text, details jsonb, hash_version smallint, prev_hash bytea, hash bytea) (
    SFUNC = af_audit_tally_add,
    STYPE = internal,
    SSPACE = 65536,
    COMBINEFUNC = af_audit_tally_merge,
    SERIALFUNC = af_audit_tally_write,
    DESERIALFUNC = af_audit_tally_read,
    FINALFUNC = af_audit_tally_write,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = SAFE
);
