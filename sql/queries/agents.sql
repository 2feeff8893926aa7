--: Agent()

--! create : Agent
INSERT INTO agents (tenant_id, name, type, role, config_json, policies_json)
VALUES (:tenant_id, :name, :type, :role, :config_json, :policies_json)
RETURNING tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at;

--! get : Agent
SELECT tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at
FROM agents
WHERE tenant_id = :tenant_id AND id = :id;

--! get_by_name : Agent
SELECT tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at
FROM agents
WHERE tenant_id = :tenant_id AND name = :name;

--! list (after?) : Agent
--- A page of the tenant's agents in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at
FROM agents
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! update : Agent
UPDATE agents
SET name = :name, type = :type, role = :role, config_json = :config_json, policies_json = :policies_json
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, name, type, role, config_json, policies_json, created_at, updated_at;

--! delete
DELETE FROM agents
WHERE tenant_id = :tenant_id AND id = :id;
