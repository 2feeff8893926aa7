\set VERBOSITY default
UPDATE audits SET action = 'x' WHERE seq = 1;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM audits WHERE seq = 1;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE audits;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE tenants CASCADE;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', '11111111-1111-4111-8111-111111111111', 'a', 'b', 'c', 'd')
ON CONFLICT (id) DO UPDATE SET action = 'x';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM tenants WHERE name = 'acme';
\echo :LAST_ERROR_SQLSTATE
-- ALWAYS: not even for a replica's sessions.
SET session_replication_role = replica;
DELETE FROM audits WHERE seq = 1;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', 'a', 'b', 'c', 'd') RETURNING seq;
RESET session_replication_role;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'audits'::regclass AND NOT tgisinternal ORDER BY tgname COLLATE "C";
-- On the wrong event.
CREATE TABLE wrong (LIKE audits INCLUDING ALL);
CREATE TRIGGER guard BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION af_audit_guard();
INSERT INTO wrong (tenant_id) VALUES (NULL);
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER guard ON wrong;
CREATE TRIGGER chain AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
INSERT INTO wrong SELECT * FROM audits WHERE seq = 1 LIMIT 1;
\echo :LAST_ERROR_SQLSTATE
DROP TABLE wrong;
