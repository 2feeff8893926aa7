\set VERBOSITY default
-- A ledger in a schema of its own, with the table of checkpoints beside it, as the migrations make them.
SET client_min_messages = warning;
CREATE SCHEMA ledger;
SET search_path = ledger, public;
\set ECHO none
\i ../../../sql/migrations/0001_tenants_and_audits.up.sql
\i ../../../sql/migrations/0002_platform_tables.up.sql
\i ../../../sql/migrations/0003_tenant_isolation.up.sql
\i ../../../sql/migrations/0006_audit_checkpoints.up.sql
\set ECHO all
RESET client_min_messages;
CREATE FUNCTION tenant(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-4000-8000-00000000000' || n)::uuid $$;
INSERT INTO tenants (id, name) SELECT tenant(n), n::text FROM generate_series(1, 4) n;
INSERT INTO audits (tenant_id, id, ts, actor_type, actor_id, action, resource_type)
SELECT tenant(t), md5(t || '/' || n)::uuid, '2026-01-02 03:04:05+00'::timestamptz + n * interval '1 s', 'user', 'dan', 'step', 'walk'
FROM generate_series(1, 3) t, generate_series(1, 8) n;
-- What a checkpoint says of a chain as it is; root and note are for others to check.
CREATE FUNCTION record(t int, at_size bigint, of_incarnation int DEFAULT 1) RETURNS void LANGUAGE sql AS
$$ INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note, created_at)
   SELECT tenant_id, of_incarnation, seq, sha256(hash), hash, 'example.org/' || t, 'a note', '2026-02-03 04:05:06+00'
   FROM audits WHERE tenant_id = tenant(t) AND seq = at_size $$;
CREATE FUNCTION verdicts(OUT tenant text, OUT status text, OUT entries bigint, OUT first_bad_seq bigint, OUT finding text, OUT detail text) RETURNS SETOF record LANGUAGE sql AS
$$ SELECT right(tenant_id::text, 1), status, entries, first_bad_seq, finding, detail FROM af_audit_verify() $$;
CREATE FUNCTION findings(OUT tenant text, OUT seq bigint, OUT id uuid, OUT finding text, OUT detail text) RETURNS SETOF record LANGUAGE sql AS
$$ SELECT right(tenant_id::text, 1), seq, id, finding, detail FROM af_audit_findings() $$;
CREATE TABLE heads AS SELECT tenant_id, seq, hash FROM audits;
CREATE FUNCTION since(t int, after bigint, OUT status text, OUT entries bigint, OUT first_bad_seq bigint, OUT finding text, OUT detail text) RETURNS SETOF record LANGUAGE sql AS
$$ SELECT status, entries, first_bad_seq, finding, detail
   FROM af_audit_verify(tenant(t), after, (SELECT hash FROM heads WHERE tenant_id = tenant(t) AND seq = after)) $$;

-- Nothing recorded; then what is still so, and went on since.
SELECT * FROM verdicts();
SELECT record(1, 3), record(1, 8), record(2, 5);
SELECT * FROM verdicts();
SELECT count(*) FROM findings();
SELECT * FROM since(2, 6);

-- Append-only.
UPDATE audit_checkpoints SET size = 1;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM audit_checkpoints;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE audit_checkpoints;
\echo :LAST_ERROR_SQLSTATE
SET session_replication_role = replica;
DELETE FROM audit_checkpoints;
\echo :LAST_ERROR_SQLSTATE
RESET session_replication_role;
-- Nor does it go with its tenant.
BEGIN;
INSERT INTO audit_checkpoints SELECT tenant(4), incarnation, size, root, hash, origin, note FROM audit_checkpoints WHERE size = 5;
DELETE FROM tenants WHERE id = tenant(4);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
-- One size, one history.
SELECT record(1, 8);
INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note)
SELECT tenant_id, incarnation, size, sha256('another'), hash, origin, note FROM audit_checkpoints WHERE size = 8
ON CONFLICT (tenant_id, incarnation, size, root, hash) DO NOTHING;
\echo :LAST_ERROR_SQLSTATE
-- And nothing that is no checkpoint.
CREATE FUNCTION refused(assignment text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMPORARY TABLE changed AS SELECT * FROM audit_checkpoints WHERE size = 5;
    UPDATE changed SET size = 6;
    EXECUTE 'UPDATE changed SET ' || assignment;
    INSERT INTO audit_checkpoints SELECT * FROM changed;
    RETURN NULL;
EXCEPTION WHEN others THEN
    RETURN SQLSTATE;
END $$;
SELECT a, refused(a) FROM unnest(ARRAY['size = 0', 'incarnation = 0', 'root = hash || hash', 'hash = ''''', 'origin = ''''', 'note = ''''', 'note = NULL',
    'root = NULL', 'hash = NULL', 'tenant_id = NULL', 'created_at = NULL', 'tenant_id = tenant(9)']) a;

ALTER TABLE audits DISABLE TRIGGER USER;
-- A tail that is cut off, in all and in one chain, by whoever asks and however.
BEGIN;
DELETE FROM audits WHERE tenant_id = tenant(1) AND seq > 5;
DELETE FROM audits WHERE tenant_id = tenant(2) AND seq > 5;
SELECT * FROM verdicts();
SELECT * FROM findings();
SELECT status, first_bad_seq, finding FROM af_audit_verify(tenant(1));
SELECT seq, finding FROM af_audit_findings(tenant(1));
SELECT count(*) FROM af_audit_findings(max_findings => 0);
SELECT * FROM since(1, 2);
SELECT * FROM since(1, 7);
SET LOCAL search_path = public;
SELECT status, first_bad_seq, finding FROM af_audit_verify(ledger.tenant(1), 'ledger.audits');
-- In any order, by parallel workers.
SET LOCAL search_path = ledger, public;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SELECT * FROM verdicts();
SELECT * FROM findings();
ROLLBACK;
-- With other findings, each at its place.
BEGIN;
UPDATE audits SET action = 'x' WHERE tenant_id IN (tenant(1), tenant(3)) AND seq = 4;
DELETE FROM audits WHERE tenant_id = tenant(1) AND seq > 5;
SELECT tenant, seq, finding FROM findings();
SELECT tenant, first_bad_seq, finding, detail ~ '; 2 findings in all$' AS counted FROM verdicts() WHERE tenant <= '2';
SELECT count(*), max(finding) FROM af_audit_findings(max_findings => 1);
ROLLBACK;
-- Nothing is left of a chain, and nothing of any.
BEGIN;
DELETE FROM audits WHERE tenant_id = tenant(2);
SELECT * FROM verdicts();
SELECT * FROM findings();
SELECT * FROM af_audit_verify(tenant(2));
SELECT * FROM since(2, 6);
SELECT * FROM since(2, 5);
SELECT * FROM since(2, 4);
DELETE FROM audits;
SELECT * FROM verdicts();
SELECT status, entries, finding FROM af_audit_verify(tenant(4));
ROLLBACK;
-- The entry at the end is gone, but not the last one: that is seen without.
BEGIN;
DELETE FROM audits WHERE tenant_id = tenant(2) AND seq = 5;
SELECT * FROM findings();
SELECT * FROM since(2, 6);
ROLLBACK;
-- A chain made anew, from one position on; and one that goes on where it was cut.
BEGIN;
CREATE PROCEDURE rewrite(t int, first bigint) LANGUAGE plpgsql AS $$
DECLARE
    entry bigint;
BEGIN
    FOR entry IN SELECT seq FROM audits WHERE tenant_id = tenant(t) AND seq >= first ORDER BY seq LOOP
        UPDATE audits SET action = 'rewritten', prev_hash = (SELECT hash FROM audits WHERE tenant_id = tenant(t) AND seq = entry - 1) WHERE tenant_id = tenant(t) AND seq = entry;
        UPDATE audits SET hash = af_audit_hash(prev_hash, hash_version, tenant_id, seq, id, actor_type, actor_id, action, resource_type, resource_id, details, ts) WHERE tenant_id = tenant(t) AND seq = entry;
    END LOOP;
END $$;
CALL rewrite(2, 6);
SELECT * FROM verdicts() WHERE tenant = '2';
CALL rewrite(2, 3);
SELECT * FROM verdicts() WHERE tenant = '2';
SELECT * FROM findings();
UPDATE audits SET action = 'edited' WHERE tenant_id = tenant(2) AND seq IN (2, 7);
SELECT tenant, seq, finding FROM findings();
SELECT status, first_bad_seq, finding FROM since(2, 6);
ROLLBACK;
BEGIN;
ALTER TABLE audits DROP CONSTRAINT audits_hash_check, ALTER hash DROP NOT NULL;
UPDATE audits SET hash = NULL WHERE tenant_id = tenant(2) AND seq = 5;
SELECT seq, finding, detail FROM findings();
ROLLBACK;
-- The newest incarnation counts, however short.
BEGIN;
SELECT record(3, 4, 2);
DELETE FROM audits WHERE tenant_id = tenant(3) AND seq > 4;
SELECT record(3, 2, 1), record(1, 2, 2);
DELETE FROM audits WHERE tenant_id = tenant(1) AND seq > 2;
SELECT tenant, status, entries, finding FROM verdicts();
ROLLBACK;
-- Two entries at its end, of which one was recorded.
BEGIN;
ALTER TABLE audits DROP CONSTRAINT audits_pkey, DROP CONSTRAINT audits_id_key;
INSERT INTO audits SELECT tenant_id, seq, tenant(5), ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, sha256(hash) FROM audits WHERE tenant_id = tenant(2) AND seq = 5;
SELECT seq, id = tenant(5) AS is_second, finding FROM findings() WHERE finding = 'rewritten';
ROLLBACK;
-- What belongs to no tenant has no checkpoint.
BEGIN;
ALTER TABLE audits DROP CONSTRAINT audits_pkey, ALTER tenant_id DROP NOT NULL;
UPDATE audits SET tenant_id = NULL WHERE tenant_id = tenant(2);
SELECT tenant, status, entries, first_bad_seq, finding FROM verdicts();
ROLLBACK;

-- Who may not read the checkpoints is told that, and the same of the chain as before.
CREATE ROLE regress_reader;
CREATE ROLE regress_auditor IN ROLE af_auditor;
GRANT USAGE ON SCHEMA ledger TO regress_reader;
GRANT SELECT ON audits TO regress_reader;
CREATE POLICY reader ON audits FOR SELECT TO regress_reader USING (true);
DELETE FROM audits WHERE tenant_id = tenant(1) AND seq > 5;
SET ROLE regress_reader;
SELECT tenant, status, finding FROM verdicts();
RESET ROLE;
GRANT SELECT ON audit_checkpoints TO regress_reader;
SET af.tenant_id = '00000000-0000-4000-8000-000000000002';
SET ROLE regress_reader;
SELECT count(*) FROM audit_checkpoints;
SELECT tenant, status, finding FROM verdicts();
SET ROLE af_app;
SELECT size FROM audit_checkpoints;
SELECT tenant, status, finding, detail FROM verdicts();
INSERT INTO audit_checkpoints (tenant_id) VALUES (tenant(2));
\echo :LAST_ERROR_SQLSTATE
RESET af.tenant_id;
SET ROLE regress_auditor;
SELECT tenant, status, first_bad_seq, finding FROM verdicts();
INSERT INTO audit_checkpoints (tenant_id) VALUES (tenant(2));
\echo :LAST_ERROR_SQLSTATE
SET ROLE af_admin;
INSERT INTO audit_checkpoints SELECT tenant_id, 7, size, root, hash, origin, note FROM audit_checkpoints WHERE size = 5;
DELETE FROM audit_checkpoints;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
-- Who sees only some entries is not told that the others are gone, but that one is another.
CREATE POLICY checkpoint_reader ON audit_checkpoints FOR SELECT TO regress_reader USING (true);
DROP POLICY reader ON audits;
CREATE POLICY reader ON audits FOR SELECT TO regress_reader USING (seq <= 5);
SET ROLE regress_reader;
SELECT tenant, status, finding FROM verdicts();
RESET ROLE;
BEGIN;
UPDATE audits SET hash = sha256(hash) WHERE tenant_id = tenant(2) AND seq = 5;
SET LOCAL ROLE regress_reader;
SELECT tenant, seq, finding FROM findings();
ROLLBACK;

-- What is no table of checkpoints is not taken for one.
BEGIN;
ALTER TABLE audit_checkpoints DISABLE TRIGGER USER;
ALTER TABLE audit_checkpoints DROP CONSTRAINT audit_checkpoints_hash_check;
UPDATE audit_checkpoints SET hash = '\x00' WHERE tenant_id = tenant(1) AND size = 8;
SELECT tenant, status, finding FROM verdicts();
ALTER TABLE audit_checkpoints DROP CONSTRAINT audit_checkpoints_size_check, ALTER created_at SET DEFAULT 'infinity';
UPDATE audit_checkpoints SET size = -size WHERE tenant_id = tenant(2);
UPDATE audit_checkpoints SET hash = root, created_at = 'infinity' WHERE tenant_id = tenant(1) AND size = 8;
SELECT tenant, status, finding, detail FROM verdicts();
-- Nor does a row that belongs to none hide the others.
ALTER TABLE audit_checkpoints DROP CONSTRAINT audit_checkpoints_pkey, DROP CONSTRAINT audit_checkpoints_tenant_id_incarnation_size_root_hash_key, ALTER tenant_id DROP NOT NULL, ALTER incarnation DROP NOT NULL, ALTER size DROP NOT NULL;
UPDATE audit_checkpoints SET tenant_id = NULL WHERE tenant_id = tenant(2);
SELECT tenant, status, finding FROM verdicts();
UPDATE audit_checkpoints SET incarnation = NULL, size = NULL WHERE size = 3;
SELECT tenant, status, finding FROM verdicts();
ALTER TABLE audit_checkpoints ALTER hash TYPE text USING encode(hash, 'hex');
SELECT tenant, status, finding FROM verdicts();
ALTER TABLE audit_checkpoints DROP COLUMN hash;
SELECT tenant, status, finding FROM verdicts();
ROLLBACK;
BEGIN;
ALTER TABLE audit_checkpoints OWNER TO regress_reader;
SELECT tenant, status, finding FROM verdicts();
ALTER TABLE audits OWNER TO regress_reader;
SELECT tenant, status, finding FROM verdicts();
ROLLBACK;
BEGIN;
ALTER TABLE audit_checkpoints RENAME TO moved;
SELECT tenant, status, finding FROM verdicts();
CREATE VIEW audit_checkpoints AS SELECT * FROM moved;
SELECT tenant, status, finding FROM verdicts();
DROP VIEW audit_checkpoints;
CREATE UNLOGGED TABLE audit_checkpoints AS TABLE moved;
SELECT tenant, status, finding FROM verdicts();
ROLLBACK;
-- Rows of a table that inherits are somebody else's.
BEGIN;
CREATE TABLE heir () INHERITS (audit_checkpoints);
INSERT INTO heir SELECT tenant(3), 1, 100, root, hash, 'a lie', note FROM audit_checkpoints WHERE size = 8;
SELECT tenant, status, finding FROM verdicts();
ROLLBACK;
-- Other tables beside it, and other schemas, have other chains.
BEGIN;
CREATE TABLE copy (LIKE audits INCLUDING ALL);
INSERT INTO copy SELECT * FROM audits WHERE tenant_id = tenant(3);
SELECT status, entries FROM af_audit_verify(relation => 'copy');
SELECT bool_and(finding IS DISTINCT FROM 'truncated') AS untouched FROM af_audit_verify(relation => 'public.audits');
CREATE TABLE public.audit_checkpoints (nothing int);
SELECT tenant, status, finding FROM verdicts();
SELECT finding FROM af_audit_verify(tenant(1), 'public.audits');
-- Nor do operators and tables that are found earlier mislead.
CREATE FUNCTION public.never(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = public.never);
CREATE OPERATOR public.> (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = public.never);
SET LOCAL search_path = public, pg_catalog;
SELECT right(tenant_id::text, 1) AS tenant, status, finding FROM af_audit_verify(relation => 'ledger.audits');
ROLLBACK;

-- The way back.
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA ledger CASCADE;
DROP OWNED BY regress_reader, regress_auditor;
DROP ROLE regress_reader, regress_auditor;
DROP OWNED BY af_app, af_auditor, af_admin;
DROP ROLE af_app, af_auditor, af_admin;
