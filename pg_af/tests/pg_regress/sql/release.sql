\set VERBOSITY default
-- The setting is known once the library is loaded, and not for everybody to change.
SELECT af_version() IS NOT NULL AS loaded;
SELECT name, setting, context, enumvals FROM pg_settings WHERE name LIKE 'pg\_af.%' ORDER BY name;
SET pg_af.early_release = sometimes;
\echo :LAST_ERROR_SQLSTATE
CREATE ROLE regress_early;
SET ROLE regress_early;
SET pg_af.early_release = off;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
DROP ROLE regress_early;

-- A ledger of its own, so that others find theirs as it was.
CREATE TABLE entries (LIKE audits INCLUDING ALL);
CREATE TRIGGER zz_af_audit_chain BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
CREATE FUNCTION add_entry(tenant uuid DEFAULT '00000000-0000-4000-8000-00000000000a') RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO entries (tenant_id, actor_type, actor_id, action, resource_type)
    VALUES (tenant, 'user', 'r', 'read', 'thing') RETURNING seq $$;

-- Whatever it is, a transaction leaves synchronous_commit as it found it.
SET pg_af.early_release = on;
SELECT add_entry();
SHOW synchronous_commit;
SET pg_af.early_release = off;
SELECT add_entry();
SHOW synchronous_commit;
RESET pg_af.early_release;
SET synchronous_commit = local;
SELECT add_entry();
SHOW synchronous_commit;
-- Also one that sets it for itself, at the end or before; and what SHOW says within is what was set.
BEGIN;
SET LOCAL synchronous_commit = remote_write;
SELECT add_entry();
SHOW synchronous_commit;
COMMIT;
SHOW synchronous_commit;
BEGIN;
SELECT add_entry();
SET synchronous_commit = remote_write;
COMMIT AND CHAIN;
SHOW synchronous_commit;
SELECT add_entry();
ROLLBACK;
SHOW synchronous_commit;
RESET synchronous_commit;
-- One that fails while it commits, before or after early release was prepared.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'deferred'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT add_entry();
DROP TRIGGER refuse ON entries;
SHOW synchronous_commit;
BEGIN;
SELECT add_entry();
CREATE TEMPORARY TABLE parent (id integer PRIMARY KEY) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE child (id integer REFERENCES parent);
COMMIT;
SHOW synchronous_commit;
-- A procedure that commits in between, and one whose transactions end in different ways.
CREATE PROCEDURE add_some() LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1..4 LOOP
        PERFORM add_entry();
        IF n % 2 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
        RAISE NOTICE '% %', n, current_setting('synchronous_commit');
    END LOOP;
END $$;
CALL add_some();
SHOW synchronous_commit;
-- No lock outlives its transaction.
SELECT count(*) FROM pg_locks WHERE locktype = 'userlock';
-- Within a transaction each chain has one, released with the savepoint that took it.
BEGIN;
SAVEPOINT a;
SELECT add_entry();
SAVEPOINT b;
SELECT add_entry();
SELECT add_entry('00000000-0000-4000-8000-00000000000b');
SELECT count(*) FROM pg_locks WHERE locktype = 'userlock';
ROLLBACK TO b;
SELECT count(*) FROM pg_locks WHERE locktype = 'userlock';
RELEASE b;
SAVEPOINT c;
SELECT add_entry('00000000-0000-4000-8000-00000000000b');
RELEASE c;
ROLLBACK TO a;
SELECT count(*) FROM pg_locks WHERE locktype = 'userlock';
SELECT add_entry();
COMMIT;
SELECT count(*) FROM pg_locks WHERE locktype = 'userlock';
SELECT tenant_id, status, entries FROM af_audit_verify(relation => 'entries');

-- What af_wal_flush() says is flushed, is. It can be asked by anybody, also in a read-only transaction.
SET synchronous_commit = off;
SELECT add_entry();
SELECT pg_current_wal_insert_lsn() AS inserted \gset
BEGIN READ ONLY;
SELECT af_wal_flush() >= :'inserted' AS far_enough;
SELECT pg_current_wal_flush_lsn() >= :'inserted' AS flushed;
COMMIT;
RESET synchronous_commit;

DROP TABLE entries;
DROP FUNCTION add_entry, refuse;
DROP PROCEDURE add_some;

-- Nor beyond the end of WAL, which behind a full segment is before the next one's header.
SELECT pg_switch_wal() IS NOT NULL AS switched, af_wal_flush() <= pg_current_wal_insert_lsn() AS flushed;
SELECT af_wal_flush() <= pg_current_wal_insert_lsn() AS flushed;
