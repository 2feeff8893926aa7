-- hashed_secret stays out of all rows but those of get_credentials: an auditor may not read it, and who lists users
-- has no use for it.

--: User()
--: Credentials(hashed_secret?)

--! create (hashed_secret?) : User
--- Adds a user; without a secret where it signs in elsewhere.
INSERT INTO users (tenant_id, email, role, hashed_secret)
VALUES (:tenant_id, :email, :role, :hashed_secret)
RETURNING tenant_id, id, email, role, created_at, updated_at;

--! get : User
SELECT tenant_id, id, email, role, created_at, updated_at
FROM users
WHERE tenant_id = :tenant_id AND id = :id;

--! get_by_email : User
SELECT tenant_id, id, email, role, created_at, updated_at
FROM users
WHERE tenant_id = :tenant_id AND email = :email;

--! get_credentials : Credentials
--- What signing in is checked against.
SELECT id, role, hashed_secret
FROM users
WHERE tenant_id = :tenant_id AND email = :email;

--! list (after?) : User
--- A page of the tenant's users in order of id: `after` is the last id of the page before, null for the first page.
SELECT tenant_id, id, email, role, created_at, updated_at
FROM users
WHERE tenant_id = :tenant_id AND (:after::uuid IS NULL OR id > :after)
ORDER BY id
LIMIT :max_rows;

--! update : User
UPDATE users
SET email = :email, role = :role
WHERE tenant_id = :tenant_id AND id = :id
RETURNING tenant_id, id, email, role, created_at, updated_at;

--! set_secret (hashed_secret?)
--- Replaces the secret's hash; null for who signs in elsewhere from now on.
UPDATE users
SET hashed_secret = :hashed_secret
WHERE tenant_id = :tenant_id AND id = :id;

--! delete
--- Takes the user's bindings along.
DELETE FROM users
WHERE tenant_id = :tenant_id AND id = :id;
