--: Tool()

--! create : Tool
INSERT INTO tools (tenant_id, name, schema, permissions, cost_model)
VALUES (:tenant_id, :name, :schema, :permissions, :cost_model)
RETURNING tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at;

--! get : Tool
SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at
FROM tools
WHERE tenant_id = :tenant_id AND id = :id;

--! get_by_name : Tool
SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at
FROM tools
WHERE tenant_id = :tenant_id AND name = :name;

--! list (after?) : Tool
--- A page of the tenant's tools in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at
FROM tools
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! list_by_permissions : Tool
--- The tenant's tools that need all of some permissions (`@>`).
SELECT tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at
FROM tools
WHERE tenant_id = :tenant_id AND permissions @> :permissions
ORDER BY id;

--! update : Tool
UPDATE tools
SET name = :name, schema = :schema, permissions = :permissions, cost_model = :cost_model
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, name, schema, permissions, cost_model, created_at, updated_at;

--! delete
DELETE FROM tools
WHERE tenant_id = :tenant_id AND id = :id;
