-- Messages: what is let in, what is refused and how, and what is found afterwards.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE TABLE messages (
    tenant_id     uuid NOT NULL DEFAULT '00000000-0000-4000-8000-00000000000a',
    id            uuid PRIMARY KEY,
    trace_id      text,
    span_id       text,
    from_agent    text NOT NULL DEFAULT 'scout',
    to_agent      text NOT NULL DEFAULT 'writer',
    type          text NOT NULL DEFAULT 'request' CHECK (type IN ('request', 'response', 'event', 'control')),
    payload       jsonb NOT NULL DEFAULT '{}',
    metadata      jsonb NOT NULL DEFAULT '{}',
    cost          jsonb NOT NULL DEFAULT '{}',
    ts            timestamptz NOT NULL DEFAULT '2026-01-02 03:04:05.120000+00',
    envelope_hash varchar(64) NOT NULL
);
CREATE TRIGGER zz_af_envelope_check BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION af_envelope_check();
ALTER TABLE messages ENABLE ALWAYS TRIGGER zz_af_envelope_check;

-- The envelope, and its hash.
\set envelope '''00000000-0000-4000-8000-000000000001'', ''trace'', NULL, ''scout'', ''writer'', ''request'', ''{"b": 1.50, "a": ["<é>", null]}'', ''{}'', ''null'', ''2026-01-02 04:04:05.12+01'''
SELECT af_envelope(:envelope);
SELECT af_envelope_hash(:envelope), encode(sha256(convert_to(af_envelope(:envelope), 'UTF8')), 'hex') = af_envelope_hash(:envelope) AS is_sha256;
SELECT af_envelope(NULL, 'trace', NULL, 'scout', 'writer', 'request', '{}', '{}', '{}', now()) IS NULL AS without_id,
       af_envelope_hash('00000000-0000-4000-8000-000000000001', 'trace', NULL, 'scout', 'writer', 'request', NULL, '{}', '{}', now()) IS NULL AS without_payload,
       af_envelope_hash('00000000-0000-4000-8000-000000000001', '', '', 'a', 'b', 'event', '1', '1', '1', now())
           = af_envelope_hash('00000000-0000-4000-8000-000000000001', NULL, NULL, 'a', 'b', 'event', '1', '1', '1', now()) AS null_is_empty;
SELECT af_envelope_hash(type => 'request', id => '00000000-0000-4000-8000-000000000001', trace_id => 'trace', span_id => NULL, from_agent => 'scout', to_agent => 'writer',
                        payload => '{"a": ["<é>", null], "b": 1.5}', metadata => '{}', cost => 'null', ts => '2026-01-02 03:04:05.12+00') = af_envelope_hash(:envelope) AS by_name;
SELECT proname, provolatile, proisstrict, proparallel FROM pg_proc WHERE proname IN ('af_envelope', 'af_envelope_hash', 'af_envelope_check', 'af_message_verify') ORDER BY 1;

-- Let in.
SELECT count(*) FROM af_message_verify();
INSERT INTO messages (id, trace_id, payload, cost, envelope_hash)
VALUES ('00000000-0000-4000-8000-000000000001', 'trace', '{"a": ["<é>", null], "b": 1.5}', 'null', af_envelope_hash(:envelope));

-- Refused: nothing of the statement is stored.
CREATE FUNCTION hash(id uuid) RETURNS text LANGUAGE sql RETURN af_envelope_hash(id, NULL, NULL, 'scout', 'writer', 'request', '{}', '{}', '{}', '2026-01-02 03:04:05.12+00');
CREATE FUNCTION attempt(columns text, given text) RETURNS TABLE (code text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO messages (id%s) VALUES (''00000000-0000-4000-8000-000000000002''%s)', columns, given);
    RAISE 'was let in';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END
$$;
\x on
-- No hash.
SELECT * FROM attempt('', '');
-- Too short, not hexadecimal, upper case, empty.
SELECT * FROM attempt(', envelope_hash', ', ''0123''');
SELECT * FROM attempt(', envelope_hash', ', repeat(''0g'', 32)');
SELECT * FROM attempt(', envelope_hash', ', upper(hash(''00000000-0000-4000-8000-000000000002''))');
SELECT * FROM attempt(', envelope_hash', ', ''''');
-- Too long: PostgreSQL itself.
SELECT code FROM attempt(', envelope_hash', ', repeat(''0a'', 33)');
-- Another message's. The payload does not show.
SELECT * FROM attempt(', payload, envelope_hash', ', ''"secret"'', hash(''00000000-0000-4000-8000-000000000001'')');
-- A type that there is not, with the right hash.
SELECT * FROM attempt(', payload, type, envelope_hash', ', ''"secret"'', ''shout'', af_envelope_hash(''00000000-0000-4000-8000-000000000002'', NULL, NULL, ''scout'', ''writer'', ''shout'', ''"secret"'', ''{}'', ''{}'', ''2026-01-02 03:04:05.12+00'')');
-- Times that cannot be written.
SELECT * FROM attempt(', ts, envelope_hash', ', ''infinity'', repeat(''0a'', 32)');
SELECT code, detail FROM attempt(', ts, envelope_hash', ', ''10000-01-01 00:00+00'', repeat(''0a'', 32)');
SELECT code, detail FROM attempt(', ts, envelope_hash', ', ''0001-01-01 00:00+00 BC'', repeat(''0a'', 32)');
-- What must not be null.
SELECT c AS given_as_null, a.code, a.message FROM unnest(ARRAY['from_agent', 'to_agent', 'type', 'payload', 'metadata', 'cost', 'ts']) AS c, attempt(', envelope_hash, ' || c, ', repeat(''0a'', 32), NULL') AS a;
\x off
INSERT INTO messages (id, envelope_hash) VALUES (NULL, repeat('0a', 32));
-- One bad one in a batch.
INSERT INTO messages (id, envelope_hash)
SELECT id, CASE WHEN n = 50 THEN repeat('0a', 32) ELSE hash(id) END
FROM (SELECT n, ('00000000-0000-4000-8000-0000000003' || lpad(n::text, 2, '0'))::uuid AS id FROM generate_series(1, 99) AS n) AS m;
SELECT count(*) FROM messages;
-- Not by a replication role either.
SET session_replication_role = replica;
INSERT INTO messages (id, envelope_hash) VALUES ('00000000-0000-4000-8000-000000000003', repeat('0a', 32));
RESET session_replication_role;

-- Found afterwards.
INSERT INTO messages (id, trace_id, envelope_hash)
SELECT id, 'other', af_envelope_hash(id, 'other', NULL, 'scout', 'writer', 'request', '{}', '{}', '{}', '2026-01-02 03:04:05.12+00')
FROM (SELECT ('00000000-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid AS id FROM generate_series(1, 9) AS n) AS m;
INSERT INTO messages (tenant_id, id, envelope_hash) SELECT '00000000-0000-4000-8000-00000000000b', id, hash(id) FROM (SELECT '00000000-0000-4000-8000-000000000201'::uuid AS id) AS m;
SELECT * FROM af_message_verify();
ALTER TABLE messages ALTER envelope_hash DROP NOT NULL;
UPDATE messages SET to_agent = 'eve' WHERE id = '00000000-0000-4000-8000-000000000101';
UPDATE messages SET ts = ts + interval '1 microsecond' WHERE id = '00000000-0000-4000-8000-000000000102';
UPDATE messages SET envelope_hash = upper(envelope_hash) WHERE id = '00000000-0000-4000-8000-000000000103';
UPDATE messages SET envelope_hash = NULL WHERE id = '00000000-0000-4000-8000-000000000104';
UPDATE messages SET ts = 'infinity' WHERE id = '00000000-0000-4000-8000-000000000105';
UPDATE messages SET span_id = '' WHERE id = '00000000-0000-4000-8000-000000000106';
UPDATE messages SET tenant_id = '00000000-0000-4000-8000-00000000000c', cost = '1' WHERE id = '00000000-0000-4000-8000-000000000201';
SELECT right(tenant_id::text, 2) AS tenant, right(id::text, 3) AS id, trace_id, finding, detail FROM af_message_verify() ORDER BY 1, 2;
SELECT count(*) FROM af_message_verify('00000000-0000-4000-8000-00000000000a');
SELECT count(*) FROM af_message_verify('00000000-0000-4000-8000-00000000000a', 'trace');
SELECT count(*) FROM af_message_verify(trace_id => 'other', relation => 'messages');
SELECT count(*) FROM (SELECT af_message_verify() LIMIT 2) AS two;
-- Nothing to verify is said.
SELECT * FROM af_message_verify(trace_id => 'no such');

-- Who may not see everything is told so, and who may not read gets nothing.
CREATE ROLE regress_reader;
GRANT SELECT ON messages TO regress_reader;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON messages FOR SELECT USING (tenant_id = '00000000-0000-4000-8000-00000000000c');
SET ROLE regress_reader;
SELECT right(tenant_id::text, 2) AS tenant, finding FROM af_message_verify();
RESET ROLE;
CREATE POLICY every ON messages FOR SELECT TO regress_reader USING (true);
SET ROLE regress_reader;
SELECT count(*) FROM af_message_verify();
RESET ROLE;
REVOKE SELECT ON messages FROM regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM af_message_verify();
RESET ROLE;
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;

-- What is no message table, and no trigger.
CREATE TABLE no_messages (LIKE messages);
ALTER TABLE no_messages ALTER payload TYPE json;
SELECT * FROM af_message_verify(relation => 'no_messages');
ALTER TABLE no_messages DROP payload;
SELECT * FROM af_message_verify(relation => 'no_messages');
CREATE TRIGGER t BEFORE INSERT ON no_messages FOR EACH ROW EXECUTE FUNCTION af_envelope_check();
INSERT INTO no_messages (id) VALUES ('00000000-0000-4000-8000-000000000001');
CREATE TRIGGER after AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION af_envelope_check();
INSERT INTO messages (id, envelope_hash) SELECT id, hash(id) FROM (SELECT '00000000-0000-4000-8000-000000000202'::uuid AS id) AS m;
SET search_path = pg_catalog;
SELECT * FROM public.af_message_verify();
RESET search_path;
DROP TABLE messages, no_messages;
DROP FUNCTION attempt, hash;
