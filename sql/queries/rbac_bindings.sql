-- A binding is made and taken back, never changed.

--: Binding()

--! create : Binding
--- Gives a user a role.
INSERT INTO rbac_bindings (tenant_id, user_id, role_id)
VALUES (:tenant_id, :user_id, :role_id)
RETURNING tenant_id, id, user_id, role_id, created_at;

--! get : Binding
SELECT tenant_id, id, user_id, role_id, created_at
FROM rbac_bindings
WHERE tenant_id = :tenant_id AND id = :id;

--! list (after?) : Binding
--- A page of the tenant's bindings in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, user_id, role_id, created_at
FROM rbac_bindings
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! list_users_by_role
--- Who has a role.
SELECT u.id, u.email, b.created_at AS bound_at
FROM rbac_bindings AS b
JOIN users AS u ON u.tenant_id = b.tenant_id AND u.id = b.user_id
WHERE b.tenant_id = :tenant_id AND b.role_id = :role_id
ORDER BY u.id;

--! delete
DELETE FROM rbac_bindings
WHERE tenant_id = :tenant_id AND id = :id;

--! delete_by_user_and_role
--- Takes a role from a user.
DELETE FROM rbac_bindings
WHERE tenant_id = :tenant_id AND user_id = :user_id AND role_id = :role_id;
