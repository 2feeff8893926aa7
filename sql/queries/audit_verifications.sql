--: Verification(tenants?, checkpoint?, since?)

--! record (tenants?, checkpoint?, since?)
--- Keeps a record of a verification that took so many seconds and ends now, and gives its id.
INSERT INTO audit_verifications (
    started_at, method, version, relation, tenants, chains, entries, findings, status, guards, checkpoint, since
)
VALUES (
    clock_timestamp() - make_interval(secs => :seconds), :method, :version, :relation, :tenants, :chains, :entries, :findings,
    :status, :guards, :checkpoint, :since
)
RETURNING id;

--! last : Verification
--- The last verification of all chains from their beginning.
SELECT id, started_at, finished_at, verified_by, method, version, relation, tenants, chains, entries, findings, status, guards,
       checkpoint, since
FROM audit_verifications
WHERE tenants IS NULL AND since IS NULL
ORDER BY finished_at DESC
LIMIT 1;

--! last_finding : Verification
--- The last verification, of whatever part, that found tampering or an open guard.
SELECT id, started_at, finished_at, verified_by, method, version, relation, tenants, chains, entries, findings, status, guards,
       checkpoint, since
FROM audit_verifications
WHERE status = 'tampered' OR guards = 'open'
ORDER BY finished_at DESC
LIMIT 1;
