-- Append-only, as audits.

--: AuditCheckpoint()

--! record
--- Keeps a checkpoint, and says whether it is new. Fails (23505) where another one of the same size is kept already, with
--- another root or hash: one chain cannot have both.
WITH added AS (
    INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note)
    VALUES (:tenant_id, :incarnation, :size, :root, :hash, :origin, :note)
    ON CONFLICT (tenant_id, incarnation, size, root, hash) DO NOTHING
    RETURNING tenant_id
)
SELECT EXISTS (SELECT FROM added) AS is_new;

--! newest : AuditCheckpoint
--- The newest checkpoint of each tenant that has any, in order of the tenant: of its last incarnation, the largest.
SELECT c.tenant_id, c.incarnation, c.size, c.root, c.hash, c.origin, c.note, c.created_at
FROM tenants AS t
CROSS JOIN LATERAL (
    SELECT tenant_id, incarnation, size, root, hash, origin, note, created_at
    FROM audit_checkpoints
    WHERE tenant_id = t.id
    ORDER BY incarnation DESC, size DESC
    LIMIT 1
) AS c
ORDER BY c.tenant_id;
