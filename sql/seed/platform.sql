-- Three tenants at work, with rows in every table: for trying things out, and for tests. Run it as a superuser, or as
-- somebody whom row-level security does not restrict, on an empty database that is migrated all the way up.
--
-- Ids are fixed, so that what refers to a row can be written down: …0001 is acme, …0002 borealis, …0003 cygnus.

INSERT INTO tenants (id, name, tier, settings) VALUES
    ('00000000-0000-4000-8000-000000000001', 'acme',     'enterprise', '{"locale": "en-US", "retention_days": 2555, "features": ["plans", "budgets"]}'),
    ('00000000-0000-4000-8000-000000000002', 'borealis', 'team',       '{"locale": "sv-SE", "features": ["plans"]}'),
    ('00000000-0000-4000-8000-000000000003', 'cygnus',   'free',       '{}');

INSERT INTO users (tenant_id, id, email, role, hashed_secret) VALUES
    ('00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'ann@acme.example',      'admin',  '$argon2id$v=19$m=65536,t=3,p=4$c2VlZC1vbmUtc2FsdA$not-a-hash-of-anything-1'),
    ('00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000002', 'bob@acme.example',      'editor', '$argon2id$v=19$m=65536,t=3,p=4$c2VlZC10d28tc2FsdA$not-a-hash-of-anything-2'),
    ('00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000003', 'sso@acme.example',      'viewer', NULL),
    ('00000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000004', 'åsa@borealis.example',  'admin',  NULL),
    -- The same address in another tenant is another person.
    ('00000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000005', 'ann@acme.example',      'viewer', NULL),
    ('00000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000006', 'owner@cygnus.example',  'admin',  NULL);

INSERT INTO agents (tenant_id, id, name, type, role, config_json, policies_json) VALUES
    ('00000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', 'scout',    'llm',    'researcher', '{"model": "large", "temperature": 0.2, "max_tokens": 4096}', '{"allow": ["search", "fetch"], "deny": ["pay"]}'),
    ('00000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000002', 'writer',   'llm',    'author',     '{"model": "large", "temperature": 0.7}',                     '{"allow": ["draft"]}'),
    ('00000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000003', 'cashier',  'script', 'executor',   '{"entrypoint": "pay.wasm", "limits": {"fuel": 1000000}}',    '[{"when": "amount > 1000", "then": "ask"}]'),
    ('00000000-0000-4000-8000-000000000002', '20000000-0000-4000-8000-000000000004', 'översättare', 'llm', 'translator', '{"languages": ["sv", "en", "日本語"]}',                        '{}');

INSERT INTO workflows (tenant_id, id, name, version, config_yaml, planner_type, template_version_constraint) VALUES
    ('00000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000001', 'invoice-approval', '1.0.0', E'# Approve an invoice.\nsteps:\n  - check\n  - pay\n',            'static',  NULL),
    ('00000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000002', 'invoice-approval', '1.1.0', E'# Approve an invoice, four eyes.\nsteps:\n  - check\n  - approve\n  - pay\n', 'static', '>=1.0, <2.0'),
    ('00000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000003', 'research',         '2.0.0', E'goal: "Find out; say how sure you are."\n',                                'llm',     NULL),
    ('00000000-0000-4000-8000-000000000002', '30000000-0000-4000-8000-000000000004', 'translate',        '1.0.0', E'steps: [detect, translate, proofread]\n',                                  'static',  NULL);

INSERT INTO plans (tenant_id, id, workflow_id, state, steps, assignments, cost) VALUES
    ('00000000-0000-4000-8000-000000000001', '40000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000001', 'done',    '["check", "pay"]',            '{"check": "scout", "pay": "cashier"}',                     '{"tokens": 1523, "usd": 0.0412}'),
    ('00000000-0000-4000-8000-000000000001', '40000000-0000-4000-8000-000000000002', '30000000-0000-4000-8000-000000000002', 'running', '["check", "approve", "pay"]', '{"check": "scout", "approve": "ann@acme.example", "pay": "cashier"}', '{"tokens": 310, "usd": 0.0093}'),
    ('00000000-0000-4000-8000-000000000001', '40000000-0000-4000-8000-000000000003', '30000000-0000-4000-8000-000000000003', 'failed',  '{"search": {"tries": 3}}',    '{}',                                                       '{"tokens": 99871, "usd": 2.5}'),
    ('00000000-0000-4000-8000-000000000002', '40000000-0000-4000-8000-000000000004', '30000000-0000-4000-8000-000000000004', 'pending', '[]',                          '{}',                                                       '{}');

INSERT INTO tools (tenant_id, id, name, schema, permissions, cost_model) VALUES
    ('00000000-0000-4000-8000-000000000001', '50000000-0000-4000-8000-000000000001', 'search', '{"type": "object", "required": ["q"], "properties": {"q": {"type": "string"}}}',                       '["net:read"]',          '{"per_call_usd": 0.001}'),
    ('00000000-0000-4000-8000-000000000001', '50000000-0000-4000-8000-000000000002', 'pay',    '{"type": "object", "required": ["iban", "amount"], "properties": {"amount": {"type": "number"}}}',     '["money:write", "ask"]', '{"per_call_usd": 0.25}'),
    ('00000000-0000-4000-8000-000000000002', '50000000-0000-4000-8000-000000000003', 'search', '{"type": "object"}',                                                                                  '["net:read"]',          '{}');

INSERT INTO budgets (tenant_id, id, name, type, resource_id, limits, current_usage, period) VALUES
    ('00000000-0000-4000-8000-000000000001', '60000000-0000-4000-8000-000000000001', 'everything', 'tenant', NULL,                                   '{"usd": 500}',                  '{"usd": 2.5505}',  'monthly'),
    ('00000000-0000-4000-8000-000000000001', '60000000-0000-4000-8000-000000000002', 'scout',      'agent',  '20000000-0000-4000-8000-000000000001', '{"tokens": 200000, "usd": 10}', '{"tokens": 101704}', 'daily'),
    ('00000000-0000-4000-8000-000000000002', '60000000-0000-4000-8000-000000000003', 'everything', 'tenant', NULL,                                   '{"usd": 20}',                   '{}',               'monthly');

INSERT INTO rbac_roles (tenant_id, id, name, permissions) VALUES
    ('00000000-0000-4000-8000-000000000001', '70000000-0000-4000-8000-000000000001', 'approver', '["plan:approve", "invoice:read"]'),
    ('00000000-0000-4000-8000-000000000001', '70000000-0000-4000-8000-000000000002', 'reader',   '["*:read"]'),
    ('00000000-0000-4000-8000-000000000002', '70000000-0000-4000-8000-000000000003', 'approver', '{"plan": ["approve"]}');

INSERT INTO rbac_bindings (tenant_id, id, user_id, role_id) VALUES
    ('00000000-0000-4000-8000-000000000001', '80000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', '70000000-0000-4000-8000-000000000001'),
    ('00000000-0000-4000-8000-000000000001', '80000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000002', '70000000-0000-4000-8000-000000000002'),
    ('00000000-0000-4000-8000-000000000001', '80000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000003', '70000000-0000-4000-8000-000000000002'),
    ('00000000-0000-4000-8000-000000000002', '80000000-0000-4000-8000-000000000004', '10000000-0000-4000-8000-000000000004', '70000000-0000-4000-8000-000000000003');

-- Two traces of a conversation, and what is said outside of any. The hash is the producer's to give; these have none
-- but PostgreSQL.
INSERT INTO messages (tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts, envelope_hash)
SELECT m.tenant_id, m.id, m.trace_id, m.span_id, m.from_agent, m.to_agent, m.type, m.payload, m.metadata, m.cost, m.ts,
       af_envelope_hash(m.id, m.trace_id, m.span_id, m.from_agent, m.to_agent, m.type, m.payload, m.metadata, m.cost, m.ts)
FROM (VALUES
    (uuid '00000000-0000-4000-8000-000000000001', uuid '90000000-0000-4000-8000-000000000001', 'trace-1', 'span-1', 'scout',   'writer',  'request',  jsonb '{"task": "summarise", "document": "INV-7 – Größe 10 µm"}', jsonb '{"attempt": 1}', jsonb '{"tokens": 120}', timestamptz '2026-01-05 09:00:00+00'),
    ('00000000-0000-4000-8000-000000000001', '90000000-0000-4000-8000-000000000002', 'trace-1', 'span-2', 'writer',  'scout',   'response', '{"summary": "Zwölf Stück, 1,200.50 €", "confidence": 0.93}',          '{"attempt": 1}', '{"tokens": 310}', '2026-01-05 09:00:02.5+00'),
    ('00000000-0000-4000-8000-000000000001', '90000000-0000-4000-8000-000000000003', 'trace-2', 'span-1', 'scout',   'cashier', 'control',  '{"pay": {"amount": 1200.50, "reference": "INV-7"}}',                   '{}',             '{}',              '2026-01-05 09:01:00.000001+00'),
    ('00000000-0000-4000-8000-000000000001', '90000000-0000-4000-8000-000000000004', NULL,      NULL,     'cashier', '*',       'event',    '"paid"',                                                                'null',           'null',            '2026-01-05 09:01:07.25+00'),
    ('00000000-0000-4000-8000-000000000002', '90000000-0000-4000-8000-000000000005', 'trace-1', 'span-1', 'översättare', 'redaktör', 'event', '["hej", "hello", "やあ", "🙂"]',                                   '{}',             '{"tokens": 9}',   '2026-01-05 10:00:00+00')
) AS m (tenant_id, id, trace_id, span_id, from_agent, to_agent, type, payload, metadata, cost, ts);

-- A ledger for two of the tenants, in the order in which things happened; the third has done nothing yet.
INSERT INTO audits (tenant_id, id, ts, actor_type, actor_id, action, resource_type, resource_id, details)
SELECT e.tenant_id, ('a0000000-0000-4000-8000-' || lpad(to_hex(e.n), 12, '0'))::uuid,
       timestamptz '2026-01-05 08:59:00+00' + e.n * interval '7.000001 seconds',
       e.actor_type, e.actor_id, e.action, e.resource_type, e.resource_id, e.details
FROM (
    SELECT n,
           CASE n % 4 WHEN 3 THEN uuid '00000000-0000-4000-8000-000000000002' ELSE '00000000-0000-4000-8000-000000000001' END,
           CASE WHEN n % 5 = 0 THEN 'agent' ELSE 'user' END,
           CASE WHEN n % 5 = 0 THEN 'scout' ELSE (ARRAY['ann@acme.example', 'bob@acme.example', 'åsa@borealis.example'])[n % 3 + 1] END,
           (ARRAY['login', 'invoice.read', 'invoice.approve', 'plan.start', 'plan.finish', 'budget.change'])[n % 6 + 1],
           (ARRAY['session', 'invoice', 'invoice', 'plan', 'plan', 'budget'])[n % 6 + 1],
           CASE WHEN n % 6 > 0 THEN 'R-' || n END,
           jsonb_build_object('n', n, 'ip', '192.0.2.' || n % 250 + 1, 'amount', round(n * 1.37, 2), 'note', 'Ärende №' || n, 'tags', jsonb_build_array('seed', n % 2 = 0))
    FROM generate_series(1, 40) AS n
) AS e (n, tenant_id, actor_type, actor_id, action, resource_type, resource_id, details)
ORDER BY e.n;

-- A checkpoint of each chain when it was young. One entry is its own tree: the root is the leaf hash of RFC 6962. The
-- notes are not signed, as nobody has a key for it.
INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note, created_at)
SELECT tenant_id, 1, 1, root, hash, origin, origin || E'\n1\n' || encode(root, 'base64') || E'\n', '2026-01-05 09:00:00+00'
FROM audits
CROSS JOIN LATERAL (SELECT sha256('\x00' || hash), 'example.org/seed/' || tenant_id || '/1') AS c (root, origin)
WHERE seq = 1;

-- The ledger was verified when it was young.
INSERT INTO audit_verifications (started_at, finished_at, verified_by, method, version, relation, chains, entries, findings, status, guards)
VALUES ('2026-01-05 09:00:00+00', '2026-01-05 09:00:01+00', 'ledger_verifier', 'outside', '0.1.0', 'public.audits', 2, 2, 0, 'ok', 'in_place');
