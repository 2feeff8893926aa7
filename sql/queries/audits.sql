-- Append-only: there is nothing here that changes or deletes. Verification does not read through these queries; it
-- streams the table (af-tools/src/audit/verify).

--: Audit(resource_id?, prev_hash?)

--! create (ts?, resource_id?) : Audit
--- Adds an entry to its tenant's chain, which gives seq and hashes. A null ts is the server's clock.
INSERT INTO audits (tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details)
VALUES (:tenant_id, :ts, :actor_type, :actor_id, :action, :resource_type, :resource_id, :details)
RETURNING tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash;

--! get : Audit
SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash
FROM audits
WHERE tenant_id = :tenant_id AND seq = :seq;

--! get_by_id : Audit
SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash
FROM audits
WHERE tenant_id = :tenant_id AND id = :id;

--! details_as_text
--- The details to the last digit, which a `serde_json::Value` does not keep.
SELECT details::text AS details
FROM audits
WHERE tenant_id = :tenant_id AND seq = :seq;

--! latest : Audit
--- The last entry of a tenant's chain: its head, whose seq and hash are to be written down elsewhere.
SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash
FROM audits
WHERE tenant_id = :tenant_id
ORDER BY seq DESC
LIMIT 1;

--! range : Audit
--- The entries from one seq to another, both included, in the order of the chain.
SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash
FROM audits
WHERE tenant_id = :tenant_id AND seq BETWEEN :first_seq AND :last_seq
ORDER BY seq;

--! list : Audit
--- A page of a tenant's chain, the oldest entry first: `after_seq` is the last seq of the page before, 0 for the first.
SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash
FROM audits
WHERE tenant_id = :tenant_id AND seq > :after_seq
ORDER BY seq
LIMIT :max_rows;

--! list_by_time (after_ts?, after_seq?) : Audit
--- A page of what happened from one time to before another, the oldest first: ts is what the application said, and need
--- not grow with seq. `after_…` are those of the last entry of the page before, null for the first page.
SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash
FROM audits
WHERE tenant_id = :tenant_id AND ts >= :from_ts AND ts < :until_ts
    AND (:after_ts::timestamptz IS NULL OR (ts, seq) > (:after_ts, :after_seq::bigint))
ORDER BY ts, seq
LIMIT :max_rows;

--! list_latest (before_ts?, before_seq?) : Audit
--- A page of what happened lately, the newest first: `before_…` are those of the last entry of the page before, null for
--- the first page.
SELECT tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash
FROM audits
WHERE tenant_id = :tenant_id
    AND (:before_ts::timestamptz IS NULL OR (ts, seq) < (:before_ts, :before_seq::bigint))
ORDER BY ts DESC, seq DESC
LIMIT :max_rows;
