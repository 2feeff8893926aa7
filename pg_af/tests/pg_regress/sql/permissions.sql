\set VERBOSITY default
CREATE ROLE regress_writer;
CREATE ROLE regress_reader;
GRANT INSERT ON audits TO regress_writer;
GRANT SELECT ON audits TO regress_reader;

-- Who may insert needs nothing more to be chained.
SET ROLE regress_writer;
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000b', 'user', 'w', 'write', 'thing');
-- Nor do they learn where a chain ends.
INSERT INTO audits (tenant_id, ts, seq, hash, hash_version, prev_hash, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000b', now(), 77, sha256('x'), 1, sha256('x'), 'user', 'w', 'write', 'thing');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM af_audit_verify();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM af_audit_head('00000000-0000-4000-8000-00000000000b');
\echo :LAST_ERROR_SQLSTATE
UPDATE audits SET action = 'x';
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE audits DISABLE TRIGGER ALL;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- Who may read may verify.
SET ROLE regress_reader;
SELECT bool_and(status = 'ok') AS all_ok FROM af_audit_verify();
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000b', 'user', 'r', 'write', 'thing');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- Who sees only some rows is told so.
ALTER TABLE audits ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON audits TO regress_reader USING (tenant_id = '00000000-0000-4000-8000-00000000000b');
SET ROLE regress_reader;
SELECT tenant_id, status, finding, detail FROM af_audit_verify();
SELECT tenant_id, status, entries, detail FROM af_audit_verify('00000000-0000-4000-8000-00000000000a');
RESET ROLE;
DROP POLICY one_tenant ON audits;
SET ROLE regress_reader;
SELECT status, entries, detail FROM af_audit_verify();
RESET ROLE;
-- A policy that shows every row hides none, unless another one restricts it.
CREATE POLICY every_row ON audits FOR SELECT TO regress_reader USING (true);
SET ROLE regress_reader;
SELECT bool_and(status = 'ok') AS all_ok, count(*) AS chains FROM af_audit_verify();
RESET ROLE;
CREATE POLICY not_that_one ON audits AS RESTRICTIVE FOR SELECT TO regress_reader USING (seq <> 2);
SET ROLE regress_reader;
SELECT status, finding, detail FROM af_audit_verify();
RESET ROLE;
DROP POLICY every_row ON audits;
DROP POLICY not_that_one ON audits;
ALTER TABLE audits DISABLE ROW LEVEL SECURITY;

-- Names that are found earlier on the path do not mislead.
CREATE SCHEMA decoy;
CREATE TABLE decoy.audits (nothing int);
CREATE FUNCTION decoy.eq(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR decoy.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = decoy.eq);
SET search_path = decoy, pg_catalog, public;
INSERT INTO public.audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000b', 'user', 'p', 'write', 'thing');
SELECT public.af_audit_verify();
\echo :LAST_ERROR_SQLSTATE
SELECT status, entries > 0 AS has_entries FROM public.af_audit_verify('00000000-0000-4000-8000-00000000000b', 'public.audits');
RESET search_path;
DROP SCHEMA decoy CASCADE;
REVOKE ALL ON audits FROM regress_writer, regress_reader;
DROP ROLE regress_writer, regress_reader;
