\set VERBOSITY default
-- What is not an audit table.
SELECT * FROM af_audit_verify(relation => 'tenants');
\echo :LAST_ERROR_SQLSTATE
CREATE VIEW audits_view AS SELECT * FROM audits;
SELECT * FROM af_audit_verify(relation => 'audits_view');
\echo :LAST_ERROR_SQLSTATE
DROP VIEW audits_view;
BEGIN;
SET LOCAL search_path = pg_catalog;
SELECT * FROM public.af_audit_verify();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- Names, order and neighbours of the columns are free; their types are not.
CREATE TABLE "My Ledger" (note text, hash bytea, prev_hash bytea, hash_version smallint, gone int, details jsonb, resource_id varchar(40), resource_type text,
    action text, actor_id varchar(40), actor_type text, ts timestamptz, id uuid, seq bigint, tenant_id uuid, PRIMARY KEY (tenant_id, seq));
ALTER TABLE "My Ledger" DROP COLUMN gone;
CREATE TRIGGER chain BEFORE INSERT ON "My Ledger" FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
INSERT INTO "My Ledger" (tenant_id, id, actor_type, actor_id, action, resource_type, details, note) SELECT gen_random_uuid(), gen_random_uuid(), 'a', 'b', 'c', 'd', '{}', 'kept';
INSERT INTO "My Ledger" (tenant_id, id, actor_type, actor_id, action, resource_type, details) SELECT tenant_id, gen_random_uuid(), 'a', 'b', 'c', 'd', '{}' FROM "My Ledger";
SELECT status, entries FROM af_audit_verify(relation => '"My Ledger"');
SELECT note, seq FROM "My Ledger" ORDER BY seq;
ALTER TABLE "My Ledger" ALTER details TYPE json;
INSERT INTO "My Ledger" (tenant_id) VALUES (gen_random_uuid());
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM af_audit_verify(relation => '"My Ledger"');
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE "My Ledger" DROP COLUMN details;
INSERT INTO "My Ledger" (tenant_id) VALUES (gen_random_uuid());
\echo :LAST_ERROR_SQLSTATE
DROP TABLE "My Ledger";

-- The index that finds the end of a chain and keeps it from forking.
CREATE TABLE unkeyed (LIKE audits INCLUDING DEFAULTS);
CREATE TRIGGER chain BEFORE INSERT ON unkeyed FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
CREATE INDEX plain ON unkeyed (tenant_id, seq);
CREATE UNIQUE INDEX partial ON unkeyed (tenant_id, seq) WHERE seq > 0;
CREATE UNIQUE INDEX descending ON unkeyed (tenant_id, seq DESC);
CREATE UNIQUE INDEX swapped ON unkeyed (seq, tenant_id);
ALTER TABLE unkeyed ADD CONSTRAINT deferred UNIQUE (tenant_id, seq) DEFERRABLE;
INSERT INTO unkeyed (tenant_id, actor_type, actor_id, action, resource_type) VALUES (gen_random_uuid(), 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
CREATE UNIQUE INDEX right_one ON unkeyed (tenant_id, seq) INCLUDE (hash);
INSERT INTO unkeyed (tenant_id, actor_type, actor_id, action, resource_type) VALUES (gen_random_uuid(), 'a', 'b', 'c', 'd') RETURNING seq;
DROP TABLE unkeyed;

-- Partitions hold whole chains or are refused.
CREATE TABLE split (LIKE audits INCLUDING DEFAULTS) PARTITION BY LIST (action);
CREATE TRIGGER chain BEFORE INSERT ON split FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
CREATE TABLE split_rest PARTITION OF split (PRIMARY KEY (tenant_id, seq)) DEFAULT;
INSERT INTO split (tenant_id, actor_type, actor_id, action, resource_type) VALUES (gen_random_uuid(), 'a', 'b', 'c', 'd');
\echo :LAST_ERROR_SQLSTATE
DROP TABLE split;
CREATE TABLE whole (LIKE audits INCLUDING DEFAULTS, PRIMARY KEY (tenant_id, seq)) PARTITION BY HASH (tenant_id);
CREATE TRIGGER chain BEFORE INSERT ON whole FOR EACH ROW EXECUTE FUNCTION af_audit_chain();
CREATE TABLE whole_0 PARTITION OF whole FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO whole (tenant_id, actor_type, actor_id, action, resource_type)
SELECT ('00000000-0000-4000-8000-' || lpad((n % 5)::text, 12, '0'))::uuid, 'a', 'b', 'c', 'd' FROM generate_series(1, 50) n;
SELECT status, count(*), sum(entries) FROM af_audit_verify(relation => 'whole') GROUP BY 1;
SELECT count(DISTINCT tableoid) AS partitions FROM whole;
DROP TABLE whole;
