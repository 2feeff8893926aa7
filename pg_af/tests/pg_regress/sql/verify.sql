\set VERBOSITY default
-- A chain of its own, to be tampered with behind the guard's back.
INSERT INTO tenants (id, name) VALUES ('00000000-0000-4000-8000-00000000000d', 'dune');
INSERT INTO audits (tenant_id, id, ts, actor_type, actor_id, action, resource_type, details)
SELECT '00000000-0000-4000-8000-00000000000d', ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, '2026-01-02 03:04:05+00'::timestamptz + n * interval '1 s', 'user', 'dan', 'step', 'walk', jsonb_build_object('n', n)
FROM generate_series(1, 8) n;
SELECT status, entries, head_seq, first_bad_seq, finding, detail FROM af_audit_verify('00000000-0000-4000-8000-00000000000d');
SELECT count(*) FROM af_audit_findings('00000000-0000-4000-8000-00000000000d');
SELECT * FROM af_audit_verify('00000000-0000-4000-8000-0000000000ff');

ALTER TABLE audits DISABLE TRIGGER USER;
ALTER TABLE audits DROP CONSTRAINT audits_hash_check, DROP CONSTRAINT audits_prev_hash_check, ALTER hash DROP NOT NULL;
CREATE FUNCTION show_findings() RETURNS TABLE (seq bigint, id uuid, finding text, detail text) LANGUAGE sql AS
$$ SELECT seq, id, finding, detail FROM af_audit_findings('00000000-0000-4000-8000-00000000000d') $$;

-- An edit.
BEGIN;
UPDATE audits SET details = '{"n": 33}' WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 3;
SELECT * FROM show_findings();
SELECT status, entries, head_seq, first_bad_seq, first_bad_id, finding FROM af_audit_verify('00000000-0000-4000-8000-00000000000d');
-- The edit covered up with a fresh hash.
UPDATE audits SET hash = af_audit_hash(prev_hash, hash_version, tenant_id, seq, id, actor_type, actor_id, action, resource_type, resource_id, details, ts)
WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 3;
SELECT * FROM show_findings();
ROLLBACK;
-- Removals, and moves.
BEGIN;
DELETE FROM audits WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq IN (1, 4, 5, 6);
SELECT * FROM show_findings();
ROLLBACK;
BEGIN;
UPDATE audits SET seq = CASE seq WHEN 3 THEN 104 ELSE 103 END WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq IN (3, 4);
UPDATE audits SET seq = seq - 100 WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq > 100;
SELECT seq, finding, CASE finding WHEN 'reordered' THEN detail END AS detail FROM show_findings();
ROLLBACK;
-- Hashes that are none.
BEGIN;
UPDATE audits SET hash = NULL WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 2;
UPDATE audits SET hash = '\x00' WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 4;
UPDATE audits SET prev_hash = NULL WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 6;
SELECT * FROM show_findings();
UPDATE audits SET hash = NULL WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 8;
ALTER TABLE audits ENABLE ALWAYS TRIGGER zz_af_audit_chain;
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000d', 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
-- Times that cannot be written, and versions that are not known.
BEGIN;
UPDATE audits SET ts = 'infinity' WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 2;
UPDATE audits SET hash_version = 2 WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 3;
SELECT * FROM show_findings();
ROLLBACK;
BEGIN;
UPDATE audits SET hash_version = 2, action = 'x' WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 3;
SELECT status, entries, first_bad_seq, first_bad_id, finding, detail FROM af_audit_verify('00000000-0000-4000-8000-00000000000d');
ROLLBACK;
-- Only so many, and never a negative number of them.
BEGIN;
UPDATE audits SET action = 'x' WHERE tenant_id = '00000000-0000-4000-8000-00000000000d';
SELECT count(*) FROM af_audit_findings('00000000-0000-4000-8000-00000000000d');
SELECT count(*) FROM af_audit_findings('00000000-0000-4000-8000-00000000000d', max_findings => 3);
SELECT status, detail ~ '; 8 findings in all$' AS counted FROM af_audit_verify('00000000-0000-4000-8000-00000000000d');
ROLLBACK;
SELECT * FROM af_audit_findings(max_findings => -1);
\echo :LAST_ERROR_SQLSTATE

-- What came since a recorded entry, and whether that is what it was.
CREATE TEMPORARY TABLE recorded AS SELECT seq, hash FROM audits WHERE tenant_id = '00000000-0000-4000-8000-00000000000d';
CREATE FUNCTION since(seq bigint, OUT status text, OUT entries bigint, OUT head_seq bigint, OUT first_bad_seq bigint, OUT finding text, OUT detail text) RETURNS SETOF record LANGUAGE sql AS
$$ SELECT status, entries, head_seq, first_bad_seq, finding, detail
   FROM af_audit_verify('00000000-0000-4000-8000-00000000000d', seq, (SELECT hash FROM recorded WHERE recorded.seq = since.seq)) $$;
SELECT * FROM since(5);
SELECT * FROM since(8);
BEGIN;
UPDATE audits SET details = '{"n": 33}' WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq IN (3, 7);
SELECT * FROM since(2);
SELECT * FROM since(5);
SELECT * FROM since(7);
SELECT * FROM since(8);
ROLLBACK;
BEGIN;
DELETE FROM audits WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq > 5;
SELECT * FROM since(5);
SELECT * FROM since(7);
ROLLBACK;
BEGIN;
DELETE FROM audits WHERE tenant_id = '00000000-0000-4000-8000-00000000000d' AND seq = 5;
SELECT * FROM since(5);
ROLLBACK;
-- The chain as somebody else would have it.
BEGIN;
UPDATE audits SET prev_hash = CASE WHEN seq > 1 THEN sha256(prev_hash) END, hash = sha256(hash) WHERE tenant_id = '00000000-0000-4000-8000-00000000000d';
SELECT status, entries, first_bad_seq, finding FROM since(5);
ROLLBACK;
SELECT status, finding, detail FROM af_audit_verify('00000000-0000-4000-8000-0000000000ff', 3, sha256('')::bytea);
SELECT * FROM af_audit_verify('00000000-0000-4000-8000-00000000000d', NULL, NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM af_audit_verify('00000000-0000-4000-8000-00000000000d', 0, sha256(''));
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM af_audit_verify('00000000-0000-4000-8000-00000000000d', 1, 'ab');
\echo :LAST_ERROR_SQLSTATE

-- The aggregate is for af_audit_verify() alone, and harmless otherwise.
SELECT af_audit_tally('short', tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash) FROM audits;
\echo :LAST_ERROR_SQLSTATE
-- Its parts cannot be called by hand, which PostgreSQL 14 says in other words than those after it.
DO $$
BEGIN
    PERFORM af_audit_tally_add(NULL::internal, '0123456789abcdef', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
EXCEPTION WHEN cannot_coerce OR feature_not_supported THEN
    RAISE NOTICE 'refused';
END $$;
DO $$
BEGIN
    PERFORM af_audit_tally_merge(NULL::internal, NULL::internal);
EXCEPTION WHEN cannot_coerce OR feature_not_supported THEN
    RAISE NOTICE 'refused';
END $$;
SELECT octet_length(af_audit_tally('0123456789abcdef', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
SELECT octet_length(af_audit_tally('0123456789abcdef', tenant_id, seq, id, ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, prev_hash, hash)) FROM audits WHERE false;

DROP FUNCTION since(bigint);
DROP TABLE recorded;
DROP FUNCTION show_findings();
ALTER TABLE audits ADD CONSTRAINT audits_hash_check CHECK (octet_length(hash) = 32), ALTER hash SET NOT NULL,
    ADD CONSTRAINT audits_prev_hash_check CHECK (CASE WHEN seq = 1 THEN prev_hash IS NULL ELSE prev_hash IS NOT NULL AND octet_length(prev_hash) = 32 END);
ALTER TABLE audits ENABLE ALWAYS TRIGGER zz_af_audit_chain, ENABLE ALWAYS TRIGGER af_audit_guard, ENABLE ALWAYS TRIGGER af_audit_guard_truncate;
SELECT tenant_id, status, entries, finding FROM af_audit_verify();
