-- What a competent user writes today: the same table; a trigger that takes an advisory lock, reads the last hash through
-- the index and hashes the columns' text; and verifiers of what it wrote. Unlike the ledger's, the hash depends on
-- settings (TimeZone, DateStyle) and on how PostgreSQL happens to print jsonb.

CREATE EXTENSION pgcrypto;

CREATE TABLE pgcrypto_audits (LIKE audits INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
ALTER TABLE pgcrypto_audits ADD FOREIGN KEY (tenant_id) REFERENCES tenants (id);

-- One expression, so that it is inlined wherever it is called.
CREATE FUNCTION pgcrypto_hash(a pgcrypto_audits) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT digest(coalesce(a.prev_hash, '') || convert_to(concat_ws('|', a.tenant_id, a.seq, a.id, a.ts, a.actor_type, a.actor_id,
        a.action, a.resource_type, coalesce(a.resource_id, ''), a.details::text), 'UTF8'), 'sha256')
$$;

CREATE FUNCTION pgcrypto_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_seq  bigint;
    last_hash bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.tenant_id::text, 0));
    SELECT seq, hash INTO last_seq, last_hash FROM pgcrypto_audits
        WHERE tenant_id = NEW.tenant_id ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(last_seq, 0) + 1;
    NEW.prev_hash := last_hash;
    NEW.hash_version := 1;
    NEW.hash := digest(coalesce(NEW.prev_hash, '') || convert_to(concat_ws('|', NEW.tenant_id, NEW.seq, NEW.id, NEW.ts,
        NEW.actor_type, NEW.actor_id, NEW.action, NEW.resource_type, coalesce(NEW.resource_id, ''), NEW.details::text), 'UTF8'),
        'sha256');
    RETURN NEW;
END
$$;

CREATE TRIGGER zz_chain BEFORE INSERT ON pgcrypto_audits FOR EACH ROW EXECUTE FUNCTION pgcrypto_chain();

-- In order, entry by entry. Returns how many entries there are, if all are right.
CREATE FUNCTION pgcrypto_verify_loop() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    entry         pgcrypto_audits;
    before_tenant uuid;
    before_seq    bigint;
    before_hash   bytea;
    entries       bigint := 0;
BEGIN
    FOR entry IN SELECT * FROM pgcrypto_audits ORDER BY tenant_id, seq LOOP
        IF entry.tenant_id IS DISTINCT FROM before_tenant THEN
            before_tenant := entry.tenant_id;
            before_seq := 0;
            before_hash := NULL;
        END IF;
        IF entry.seq <> before_seq + 1 OR entry.prev_hash IS DISTINCT FROM before_hash
            OR entry.hash <> digest(coalesce(entry.prev_hash, '') || convert_to(concat_ws('|', entry.tenant_id, entry.seq, entry.id,
                entry.ts, entry.actor_type, entry.actor_id, entry.action, entry.resource_type, coalesce(entry.resource_id, ''),
                entry.details::text), 'UTF8'), 'sha256')
        THEN
            RAISE EXCEPTION 'entry % of tenant % is wrong', entry.seq, entry.tenant_id;
        END IF;
        before_seq := entry.seq;
        before_hash := entry.hash;
        entries := entries + 1;
    END LOOP;
    RETURN entries;
END
$$;

-- The same by window functions, in one statement.
CREATE VIEW pgcrypto_verify_window AS
    SELECT count(*) AS entries, count(*) FILTER (WHERE seq <> number OR prev_hash IS DISTINCT FROM hash_before
                                                    OR hash IS DISTINCT FROM pgcrypto_hash(a)) AS wrong
    FROM (SELECT e AS a, seq, prev_hash, hash, row_number() OVER chain AS number, lag(hash) OVER chain AS hash_before
          FROM pgcrypto_audits AS e WINDOW chain AS (PARTITION BY tenant_id ORDER BY seq)) AS a;

-- The same in two halves: contents in any order, which PostgreSQL does in parallel, and links by window functions over
-- the few columns that they need.
CREATE VIEW pgcrypto_verify_contents AS
    SELECT count(*) AS entries, count(*) FILTER (WHERE hash IS DISTINCT FROM pgcrypto_hash(a)) AS wrong FROM pgcrypto_audits AS a;
CREATE VIEW pgcrypto_verify_links AS
    SELECT count(*) AS entries, count(*) FILTER (WHERE seq <> number OR prev_hash IS DISTINCT FROM hash_before) AS wrong
    FROM (SELECT seq, prev_hash, row_number() OVER chain AS number, lag(hash) OVER chain AS hash_before
          FROM pgcrypto_audits WINDOW chain AS (PARTITION BY tenant_id ORDER BY seq)) AS a;
