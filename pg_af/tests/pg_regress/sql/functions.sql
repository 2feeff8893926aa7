\set VERBOSITY default
-- Canonical JSON: keys by UTF-16 code units, shortest escapes, numbers exactly.
SELECT af_canonical_json('{"b": 1.50, "a": [true, null, "\u00e9\u0001/"], "aa": {}, "": []}');
-- Not as a table: before version 15, psql takes some characters for narrower than they are.
SELECT af_canonical_json('{"\uff5e": 1, "\ud83d\ude00": 2, "z": 3}') AS canonical \gset
\echo :canonical
SELECT af_canonical_json('[0, -0.0, 1e2, 1e21, 1e-7, 0.000001, 9007199254740992, 9007199254740993, 333333333.33333329]');
SELECT af_canonical_json('"scalar"'), af_canonical_json('1.0'), af_canonical_json('null'), af_canonical_json(NULL) IS NULL AS null_stays_null;

-- The record, and its hash by hand.
SELECT af_audit_record(1::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111',
                       'user', 'zoë', 'read', 'file', NULL, '{"n": 1.0}', '2026-01-02 03:04:05.120000+00') AS record \gset
\echo :record
SELECT af_audit_hash(NULL, 1::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111',
                     'user', 'zoë', 'read', 'file', NULL, '{"n": 1.0}', '2026-01-02 03:04:05.120000+00') = sha256(convert_to(:'record', 'UTF8')) AS first,
       af_audit_hash(sha256('x'), 1::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111',
                     'user', 'zoë', 'read', 'file', NULL, '{"n": 1.0}', '2026-01-02 03:04:05.120000+00') = sha256(sha256('x') || convert_to(:'record', 'UTF8')) AS linked;

-- A null where an entry has a value gives null.
SELECT af_audit_record(1::smallint, NULL, 1, '11111111-1111-4111-8111-111111111111', 'user', 'z', 'read', 'file', NULL, '{}', now()) IS NULL AS no_record,
       af_audit_hash(NULL, 1::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111', 'user', 'z', 'read', 'file', NULL, '{}', NULL) IS NULL AS no_hash;

-- Bad values.
SELECT af_audit_record(1::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111', 'user', 'z', 'read', 'file', NULL, '{}', '10000-01-01 00:00:00+00');
\echo :LAST_ERROR_SQLSTATE
SELECT af_audit_record(1::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111', 'user', 'z', 'read', 'file', NULL, '{}', '-infinity');
\echo :LAST_ERROR_SQLSTATE
SELECT af_audit_record(2::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111', 'user', 'z', 'read', 'file', NULL, '{}', '2026-01-02');
\echo :LAST_ERROR_SQLSTATE
SELECT af_audit_hash('\x00', 1::smallint, '00000000-0000-4000-8000-00000000000a', 1, '11111111-1111-4111-8111-111111111111', 'user', 'z', 'read', 'file', NULL, '{}', '2026-01-02');
\echo :LAST_ERROR_SQLSTATE
SELECT af_audit_chain();

-- Every object says what it is.
SELECT p.oid::regprocedure AS function, p.provolatile AS volatile, p.proisstrict AS strict, p.proparallel AS parallel,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS commented, has_function_privilege('public', p.oid, 'EXECUTE') AS public
FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_af') AND d.deptype = 'e'
ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT af_version() = extversion AS versions_agree FROM pg_extension WHERE extname = 'pg_af';
