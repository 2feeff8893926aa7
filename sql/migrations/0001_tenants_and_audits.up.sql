-- The ledger itself: who owns a chain (tenants) and the chained entries (audits).
-- Everything is created in the first schema of search_path, so that --schema decides where.

-- Named without a schema, so that an installation anywhere on the search_path is accepted as it is.
CREATE EXTENSION IF NOT EXISTS pg_af;

CREATE TABLE tenants (
    id         uuid        NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    name       text        NOT NULL UNIQUE CHECK (name <> ''),
    tier       text        NOT NULL DEFAULT 'free',
    settings   jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE tenants IS 'The parties that share this database; each has its own audit chain';

CREATE TABLE audits (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    seq           bigint      NOT NULL,
    id            uuid        NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ts            timestamptz NOT NULL,
    actor_type    text        NOT NULL,
    actor_id      text        NOT NULL,
    action        text        NOT NULL,
    resource_type text        NOT NULL,
    resource_id   text,
    details       jsonb       NOT NULL DEFAULT '{}',
    hash_version  smallint    NOT NULL,
    prev_hash     bytea,
    hash          bytea       NOT NULL,
    PRIMARY KEY (tenant_id, seq),
    CONSTRAINT audits_seq_check CHECK (seq >= 1),
    CONSTRAINT audits_prev_hash_check CHECK (CASE WHEN seq = 1 THEN prev_hash IS NULL ELSE prev_hash IS NOT NULL AND octet_length(prev_hash) = 32 END),
    CONSTRAINT audits_hash_check CHECK (octet_length(hash) = 32)
);

-- The one index beyond the keys: "what happened in this tenant lately", the question every audit screen asks.
CREATE INDEX audits_tenant_id_ts_idx ON audits (tenant_id, ts);

COMMENT ON TABLE audits IS 'Append-only audit ledger: each tenant''s entries form a SHA-256 hash chain, checked by af_audit_verify()';
COMMENT ON COLUMN audits.seq IS 'Position in the tenant''s chain: 1, 2, 3 … without gaps; given by the trigger';
COMMENT ON COLUMN audits.ts IS 'When it happened; the server''s clock when the insert leaves it null';
COMMENT ON COLUMN audits.hash_version IS 'Version of the record format that hash covers; given by the trigger';
COMMENT ON COLUMN audits.prev_hash IS 'hash of the entry before, null for seq 1; given by the trigger';
COMMENT ON COLUMN audits.hash IS 'SHA-256 of prev_hash and the canonical record (see af_audit_record); given by the trigger';

-- BEFORE triggers fire in order of name, and what a later one changes would not be what was hashed:
-- hence the zz, which lets the chain see the row last.
CREATE TRIGGER zz_af_audit_chain
    BEFORE INSERT ON audits
    FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
CREATE TRIGGER af_audit_guard
    BEFORE UPDATE OR DELETE ON audits
    FOR EACH ROW EXECUTE FUNCTION af_audit_guard();
CREATE TRIGGER af_audit_guard_truncate
    BEFORE TRUNCATE ON audits
    FOR EACH STATEMENT EXECUTE FUNCTION af_audit_guard();

-- ALWAYS: session_replication_role = replica, a data-only restore or an apply worker must not bypass them.
ALTER TABLE audits ENABLE ALWAYS TRIGGER zz_af_audit_chain;
ALTER TABLE audits ENABLE ALWAYS TRIGGER af_audit_guard;
ALTER TABLE audits ENABLE ALWAYS TRIGGER af_audit_guard_truncate;
