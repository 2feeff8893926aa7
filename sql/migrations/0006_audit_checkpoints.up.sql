-- What was published of the chains, kept beside them: af_audit_verify() compares the chains with it, so that it sees a
-- tail that somebody cut off who forgot this table. It is a copy for convenience: whoever can rewrite the ledger can
-- rewrite it too, and only the notes that are kept elsewhere prove anything against him.

CREATE TABLE audit_checkpoints (
    tenant_id   uuid        NOT NULL REFERENCES tenants (id),
    incarnation integer     NOT NULL CHECK (incarnation >= 1),
    size        bigint      NOT NULL CHECK (size >= 1),
    root        bytea       NOT NULL CHECK (octet_length(root) = 32),
    hash        bytea       NOT NULL CHECK (octet_length(hash) = 32),
    origin      text        NOT NULL CHECK (origin <> ''),
    note        text        NOT NULL CHECK (note <> ''),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, incarnation, size),
    -- For ON CONFLICT: what says the same again is no news, but another history of the same length violates the primary key.
    UNIQUE (tenant_id, incarnation, size, root, hash)
);

COMMENT ON TABLE audit_checkpoints IS 'Append-only copy of the checkpoints that were signed of the chains, with which af_audit_verify() compares them';
COMMENT ON COLUMN audit_checkpoints.incarnation IS 'Which chain of the tenant''s: 1, and one more whenever it was begun anew';
COMMENT ON COLUMN audit_checkpoints.size IS 'How many entries the chain had: the seq of the last one';
COMMENT ON COLUMN audit_checkpoints.root IS 'RFC 6962 Merkle tree hash over the entries'' hashes';
COMMENT ON COLUMN audit_checkpoints.hash IS 'hash of the last entry';
COMMENT ON COLUMN audit_checkpoints.origin IS 'The first line of the note: which log, of which database, this is a checkpoint of';
COMMENT ON COLUMN audit_checkpoints.note IS 'The signed note as it was published (C2SP tlog-checkpoint)';

CREATE TRIGGER af_audit_guard
    BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION af_audit_guard();
CREATE TRIGGER af_audit_guard_truncate
    BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION af_audit_guard();

-- ALWAYS: as on audits.
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER af_audit_guard;
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER af_audit_guard_truncate;

-- As on every table; what was published of its own chain, the application can hand on.
ALTER TABLE audit_checkpoints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY af_own_tenant ON audit_checkpoints USING (tenant_id = af_tenant_id());
CREATE POLICY af_auditor ON audit_checkpoints FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_admin ON audit_checkpoints TO af_admin USING (true);

GRANT SELECT ON audit_checkpoints TO af_app, af_auditor;
-- Who records checkpoints is a member of af_admin, and of af_auditor, who reads what they are made of.
GRANT SELECT, INSERT ON audit_checkpoints TO af_admin;
