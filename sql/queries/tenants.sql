--: Tenant()

--! create : Tenant
--- Adds a tenant.
INSERT INTO tenants (name, tier, settings)
VALUES (:name, :tier, :settings)
RETURNING id, name, tier, settings, created_at, updated_at;

--! create_if_new
--- Adds a tenant with everything else by default. No row if the name is taken, also by a tenant that the role cannot see.
INSERT INTO tenants (name)
VALUES (:name)
ON CONFLICT (name) DO NOTHING
RETURNING id;

--! get : Tenant
SELECT id, name, tier, settings, created_at, updated_at
FROM tenants
WHERE id = :id;

--! get_by_name : Tenant
SELECT id, name, tier, settings, created_at, updated_at
FROM tenants
WHERE name = :name;

--! exists
SELECT EXISTS (SELECT FROM tenants WHERE id = :id) AS is_there;

--! get_id_by_name
SELECT id
FROM tenants
WHERE name = :name;

--! names
--- What some tenants are called.
SELECT id, name
FROM tenants
WHERE id = ANY (:ids)
ORDER BY id;

--! list (after?) : Tenant
--- A page of all tenants in order of id: `after` is the last id of the page before, null for the first page.
SELECT id, name, tier, settings, created_at, updated_at
FROM tenants
WHERE :after::uuid IS NULL OR id > :after
ORDER BY id
LIMIT :max_rows;

--! update : Tenant
UPDATE tenants
SET name = :name, tier = :tier, settings = :settings
WHERE id = :id
RETURNING id, name, tier, settings, created_at, updated_at;

--! delete
--- Refused (23503) as long as the tenant owns anything, and so for ever once it has an audit entry or a message.
DELETE FROM tenants
WHERE id = :id;
