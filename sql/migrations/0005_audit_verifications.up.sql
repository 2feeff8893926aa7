-- A record of each verification run that was asked to leave one (`af-tools audit verify --record`): when the ledger was looked
-- at, by whom, how far, and what came of it. What nobody has verified for long, monitoring can say.

CREATE TABLE audit_verifications (
    id          uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    verified_by text        NOT NULL DEFAULT session_user,
    method      text        NOT NULL CHECK (method IN ('outside', 'in_database')),
    version     text        NOT NULL CHECK (version <> ''),
    relation    text        NOT NULL CHECK (relation <> ''),
    tenants     uuid[],
    chains      bigint      NOT NULL CHECK (chains >= 0),
    entries     bigint      NOT NULL CHECK (entries >= 0),
    findings    bigint      NOT NULL CHECK (findings >= 0),
    status      text        NOT NULL CHECK (status IN ('ok', 'empty', 'partial', 'tampered')),
    guards      text        NOT NULL CHECK (guards IN ('in_place', 'differ', 'open', 'not_compared', 'not_looked_at')),
    checkpoint  text,
    since       text,
    CHECK (finished_at >= started_at)
);

COMMENT ON TABLE audit_verifications IS 'Append-only record of verifications of the ledger';
COMMENT ON COLUMN audit_verifications.method IS 'Who recomputed the hashes: af-tools (outside), or the server';
COMMENT ON COLUMN audit_verifications.version IS 'Of the program that verified';
COMMENT ON COLUMN audit_verifications.tenants IS 'Whose chains were verified; null: all';
COMMENT ON COLUMN audit_verifications.guards IS 'Whether what guards the ledger was found in place';
COMMENT ON COLUMN audit_verifications.checkpoint IS 'The checkpoints that it was held against; null: none';
COMMENT ON COLUMN audit_verifications.since IS 'What was recorded before, so that older entries were not read; null: all were';

CREATE INDEX audit_verifications_finished_at_idx ON audit_verifications (finished_at);

CREATE TRIGGER af_audit_guard
    BEFORE UPDATE OR DELETE ON audit_verifications
    FOR EACH ROW EXECUTE FUNCTION af_audit_guard();
CREATE TRIGGER af_audit_guard_truncate
    BEFORE TRUNCATE ON audit_verifications
    FOR EACH STATEMENT EXECUTE FUNCTION af_audit_guard();

-- ALWAYS: as on audits.
ALTER TABLE audit_verifications ENABLE ALWAYS TRIGGER af_audit_guard;
ALTER TABLE audit_verifications ENABLE ALWAYS TRIGGER af_audit_guard_truncate;

-- A verification is of no tenant: those who administer record it, those who audit read it.
ALTER TABLE audit_verifications ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY af_auditor ON audit_verifications FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_admin ON audit_verifications TO af_admin USING (true);

GRANT SELECT ON audit_verifications TO af_auditor;
-- When it ended and who verified is not theirs to say.
GRANT SELECT ON audit_verifications TO af_admin;
GRANT INSERT (
    started_at, method, version, relation, tenants, chains, entries, findings, status, guards, checkpoint, since
) ON audit_verifications TO af_admin;
