//! What is stored: the same rows each time, made by the server.

/// The columns that an application gives.
pub(crate) const COLUMNS: &str =
    "tenant_id, ts, actor_type, actor_id, action, resource_type, resource_id, details";

/// The columns that a chain adds.
pub(crate) const CHAIN_COLUMNS: &str = "seq, hash_version, prev_hash, hash";

/// Entry `$1` to `$2`, of as many tenants as `$3` says, in turn: details of three levels and 150 to 300 bytes, with
/// decimals, nulls and text beyond ASCII.
pub(crate) const ENTRIES: &str = "
    SELECT t.id AS tenant_id, timestamptz '2026-01-01 00:00+00' + n * interval '1.000001 s' AS ts,
           'user' AS actor_type, 'user-' || n % 97 AS actor_id, 'invoice.update' AS action, 'invoice' AS resource_type,
           CASE WHEN n % 10 > 0 THEN 'invoice-' || n END AS resource_id,
           jsonb_build_object('amount', round(n * 1.37, 2), 'currency', 'EUR',
               'customer', jsonb_build_object('name', (ARRAY['Zoë Müller', '東京物流', 'Ann Smith', 'Bjørn Åse'])[1 + n % 4],
                   'address', jsonb_build_object('city', (ARRAY['Köln', 'Łódź', 'Oslo'])[1 + n % 3], 'zip', n % 90000, 'line 2', NULL)),
               'items', jsonb_build_array(jsonb_build_object('id', n, 'price', n / 7.0), n % 2 = 0),
               'note', left(md5(n::text) || md5((-n)::text), n % 64)) AS details
    FROM generate_series($1::int, $2::int) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY name) - 1 AS number FROM tenants) AS t ON t.number = n % $3::int";

/// The same columns, keys, constraints, indexes and foreign keys as audits; nothing that chains or guards. The chain columns
/// have defaults, so that a client sends the same rows to both.
pub(crate) const PLAIN_TABLE: &str = "
    CREATE TABLE plain (LIKE audits INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
    ALTER TABLE plain ADD FOREIGN KEY (tenant_id) REFERENCES tenants (id);
    CREATE SEQUENCE plain_seq START 2 CACHE 1000;
    ALTER TABLE plain ALTER seq SET DEFAULT nextval('plain_seq'), ALTER hash_version SET DEFAULT 1,
        ALTER prev_hash SET DEFAULT sha256('before'), ALTER hash SET DEFAULT sha256('this')";

/// What goes into audits and plain, in a table `content`; the latter's chain columns are ready.
pub(crate) const CONTENT_TABLE: &str = "
    CREATE TABLE content AS SELECT * FROM plain LIMIT 0;
    ALTER TABLE content DROP COLUMN id";

/// Of some [`ENTRIES`], called `e`, with what a chain adds.
pub(crate) const CHAINED: &str = "
    SELECT e.*, row_number() OVER (PARTITION BY tenant_id ORDER BY ts) AS seq, 1::smallint AS hash_version,
           CASE WHEN row_number() OVER (PARTITION BY tenant_id ORDER BY ts) > 1 THEN sha256(convert_to(ts::text, 'UTF8')) END AS prev_hash,
           sha256(convert_to(resource_type || ts, 'UTF8')) AS hash";

/// `$1` messages of one tenant, `$2`, with their hashes: some 300 bytes of nested JSON each, as the entries have.
pub(crate) const MESSAGES: &str = "
    SELECT m.*, af_envelope_hash(id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts)
    FROM (SELECT $2::uuid AS tenant_id, md5(n::text)::uuid AS id, 'trace-' || n / 20 AS trace_id, 'span-' || n % 20 AS span_id,
                 'agent-' || n % 7 AS from_agent, 'agent-' || n % 11 AS to_agent, 'event' AS type,
                 jsonb_build_object('n', n, 'ratio', n / 7.0, 'text', 'Übergröße ' || md5(n::text),
                     'request', jsonb_build_object('id', md5((-n)::text), 'parameters', jsonb_build_array(n, NULL, true, 'ü' || n))) AS payload,
                 jsonb_build_object('attempt', 1 + n % 3, 'model', 'large') AS metadata,
                 jsonb_build_object('tokens', n % 5000, 'usd', n / 1e6) AS cost,
                 timestamptz '2026-01-01 00:00+00' + n * interval '1.000001 s' AS ts
          FROM generate_series(1, $1::int) AS n) AS m";
