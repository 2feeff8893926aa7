--: Role()

--! create : Role
INSERT INTO rbac_roles (tenant_id, name, permissions)
VALUES (:tenant_id, :name, :permissions)
RETURNING tenant_id, id, name, permissions, created_at;

--! get : Role
SELECT tenant_id, id, name, permissions, created_at
FROM rbac_roles
WHERE tenant_id = :tenant_id AND id = :id;

--! get_by_name : Role
SELECT tenant_id, id, name, permissions, created_at
FROM rbac_roles
WHERE tenant_id = :tenant_id AND name = :name;

--! list (after?) : Role
--- A page of the tenant's roles in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, name, permissions, created_at
FROM rbac_roles
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! list_by_user : Role
--- What a user may do beyond users.role.
SELECT r.tenant_id, r.id, r.name, r.permissions, r.created_at
FROM rbac_bindings AS b
JOIN rbac_roles AS r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
WHERE b.tenant_id = :tenant_id AND b.user_id = :user_id
ORDER BY r.id;

--! update : Role
UPDATE rbac_roles
SET name = :name, permissions = :permissions
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, name, permissions, created_at;

--! delete
--- Refused (23503) as long as somebody has the role.
DELETE FROM rbac_roles
WHERE tenant_id = :tenant_id AND id = :id;
