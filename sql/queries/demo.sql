-- What `af-tools demo` asks beyond the queries of a table.

--! choose_entry
--- An entry well inside the longest chain; one that moves money, if there is one.
WITH longest AS (
    SELECT tenant_id, max(seq) AS head
    FROM audits
    GROUP BY tenant_id
    ORDER BY head DESC, tenant_id
    LIMIT 1
), candidate AS (
    SELECT a.*, longest.head, jsonb_typeof(a.details -> 'amount') IS NOT DISTINCT FROM 'number' AS has_amount
    FROM longest
    JOIN audits AS a USING (tenant_id)
)
SELECT c.tenant_id, t.name AS tenant, c.seq, c.id, c.action, c.details::text AS details, c.has_amount
FROM candidate AS c
JOIN tenants AS t ON t.id = c.tenant_id
ORDER BY c.has_amount DESC, abs(c.seq - c.head / 2), c.seq
LIMIT 1;
