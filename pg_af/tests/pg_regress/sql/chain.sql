\set VERBOSITY default
-- Applications only insert; place and hashes come back.
INSERT INTO audits (tenant_id, id, ts, actor_type, actor_id, action, resource_type, resource_id, details) VALUES
    ('00000000-0000-4000-8000-00000000000a', '11111111-1111-4111-8111-111111111111', '2026-01-02 03:04:05+00', 'user', 'ann', 'login', 'session', NULL, '{"ip": "10.0.0.1"}'),
    ('00000000-0000-4000-8000-00000000000b', '22222222-2222-4222-8222-222222222222', '2026-01-02 03:04:06+00', 'user', 'bob', 'login', 'session', NULL, '{}'),
    ('00000000-0000-4000-8000-00000000000a', '33333333-3333-4333-8333-333333333333', '2026-01-02 03:04:07.5+00', 'user', 'ann', 'read', 'file', 'f-1', '{"bytes": 9007199254740993}')
RETURNING tenant_id, seq, hash_version, prev_hash, hash;
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000b', 'system', 'cron', 'tick', 'clock')
RETURNING seq, ts IS NOT NULL AS clock_taken, details;
SELECT tenant_id, status, entries, head_seq, finding, detail FROM af_audit_verify();
SELECT seq, hash, ts AT TIME ZONE 'UTC' AS utc FROM af_audit_head('00000000-0000-4000-8000-00000000000a');
SELECT count(*) AS heads_of_nobody FROM af_audit_head('00000000-0000-4000-8000-00000000000c');

-- What an entry must have.
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES (NULL, 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, actor_type, actor_id, action) VALUES ('00000000-0000-4000-8000-00000000000a', 'a', 'b', 'c');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) VALUES ('00000000-0000-4000-8000-00000000000a', 'a', 'b', 'c', 'd', NULL);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', NULL, 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000c', 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE

-- What it cannot have.
INSERT INTO audits (tenant_id, ts, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', 'infinity', 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, ts, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', '0001-01-01 00:00:00+00 BC', 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, hash_version, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', 2, 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE

-- A place of one's own choice: some of the chain columns.
INSERT INTO audits (tenant_id, seq, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', 3, 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, hash, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', sha256('x'), 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits (tenant_id, seq, hash, hash_version, actor_type, actor_id, action, resource_type) VALUES ('00000000-0000-4000-8000-00000000000a', 3, sha256('x'), 1, 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE

-- Rows that are chained already: stored only if they are the next link.
CREATE TABLE saved AS SELECT * FROM audits WHERE tenant_id = '00000000-0000-4000-8000-00000000000a';
INSERT INTO audits SELECT * FROM saved ORDER BY seq;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits SELECT tenant_id, 3, gen_random_uuid(), ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, sha256('x'), hash FROM saved WHERE seq = 2;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits SELECT tenant_id, 3, '44444444-4444-4444-8444-444444444444', ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, hash, sha256('x') FROM saved WHERE seq = 2;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits SELECT tenant_id, 3, gen_random_uuid(), ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, '\x00', hash FROM saved WHERE seq = 2;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits SELECT tenant_id, 3, gen_random_uuid(), ts, actor_type, actor_id, action, resource_type, resource_id, details, NULL, hash, hash FROM saved WHERE seq = 2;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO audits SELECT tenant_id, 3, gen_random_uuid(), ts, actor_type, actor_id, action, resource_type, resource_id, details, 2, hash, hash FROM saved WHERE seq = 2;
\echo :LAST_ERROR_SQLSTATE
-- The right one, computed by hand.
INSERT INTO audits
SELECT tenant_id, 3, '44444444-4444-4444-8444-444444444444', ts, actor_type, actor_id, action, resource_type, resource_id, details, 1, hash,
       af_audit_hash(hash, 1::smallint, tenant_id, 3, '44444444-4444-4444-8444-444444444444', actor_type, actor_id, action, resource_type, resource_id, details, ts)
FROM saved WHERE seq = 2
RETURNING seq;
SELECT tenant_id, status, entries, finding FROM af_audit_verify();
DROP TABLE saved;

-- A session that knows where a chain ended when it last looked finds the end wherever it is now.
CREATE TABLE moving (LIKE audits INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TRIGGER zz_af_audit_chain BEFORE INSERT ON moving FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
CREATE FUNCTION add(number integer) RETURNS SETOF bigint LANGUAGE sql AS $$
    INSERT INTO moving (tenant_id, actor_type, actor_id, action, resource_type)
    SELECT '00000000-0000-4000-8000-00000000000a', 'user', 'ann', 'read', 'document' FROM generate_series(1, number)
    RETURNING seq
$$;
SELECT count(*), max(add) FROM add(5);
SELECT add(1);
BEGIN;
SELECT add(1);
ROLLBACK;
SELECT add(1);
BEGIN;
SELECT add(2);
SAVEPOINT one;
SELECT add(2);
ROLLBACK TO one;
SELECT add(1);
COMMIT;
SELECT add(1);
-- Its last entries are gone.
DELETE FROM moving WHERE seq > 4;
SELECT add(1);
SELECT add(1);
-- All are.
DELETE FROM moving;
SELECT add(2);
TRUNCATE moving;
SELECT add(1);
-- Others, whom this session did not see, have added many. This one's own do not go through the trigger here.
SET session_replication_role = replica;
INSERT INTO moving
SELECT tenant_id, n, gen_random_uuid(), ts, actor_type, actor_id, action, resource_type, resource_id, details, hash_version, sha256((n - 1)::text::bytea), sha256(n::text::bytea)
FROM moving, generate_series(2, 1000) AS n;
RESET session_replication_role;
SELECT add(1);
SELECT add(1);
SELECT prev_hash = sha256('1000') AS follows FROM moving WHERE seq = 1001;
DROP FUNCTION add;
DROP TABLE moving;
