-- What the platform keeps beside the ledger: who acts (users, agents), what is to be done (workflows, plans, tools),
-- what was said (messages), what it may cost (budgets) and who may do what (rbac_roles, rbac_bindings).
-- Everything is created in the first schema of search_path, so that --schema decides where.
--
-- The primary key of a tenant's table is (tenant_id, id), and a foreign key between two of them carries tenant_id along,
-- so that a row cannot refer to another tenant's, whatever the statement and whoever runs it. An id alone is not unique
-- across tenants: if it were, an insert that is refused would tell one tenant of another's row. The same index finds
-- a row, lists a tenant's rows page by page in order of id, and is what a table distributed by tenant needs.
--
-- No foreign key but one cascades: deleting a tenant that still owns something is refused.

CREATE FUNCTION af_set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Not now(), the time at which the transaction began: the row is locked by now, so that this one only grows.
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION af_set_updated_at() IS 'Trigger: notes in updated_at when a row was last changed';

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION af_set_updated_at();

COMMENT ON COLUMN tenants.tier IS 'The plan that the tenant is on';
COMMENT ON COLUMN tenants.settings IS 'The tenant''s preferences, read by the application alone';
COMMENT ON COLUMN tenants.updated_at IS 'When the row was last changed; kept by a trigger, here and in every table that has it';

CREATE TABLE users (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    email         text        NOT NULL CHECK (email <> ''),
    role          text        NOT NULL DEFAULT 'viewer' CHECK (role <> ''),
    hashed_secret text        CHECK (hashed_secret <> ''),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);

COMMENT ON TABLE users IS 'People who sign in';
COMMENT ON COLUMN users.email IS 'Unique within the tenant as it is written: the application decides on upper and lower case';
COMMENT ON COLUMN users.role IS 'What the user may do by default; rbac_bindings add to it';
COMMENT ON COLUMN users.hashed_secret IS 'Salted, slow hash of the secret, never the secret; null for who signs in elsewhere';

CREATE TABLE agents (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    name          text        NOT NULL CHECK (name <> ''),
    type          text        NOT NULL CHECK (type <> ''),
    role          text        NOT NULL CHECK (role <> ''),
    config_json   jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(config_json) = 'object'),
    policies_json jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(policies_json) IN ('object', 'array')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

COMMENT ON TABLE agents IS 'Programs that act for a tenant';
COMMENT ON COLUMN agents.type IS 'The implementation that runs the agent';
COMMENT ON COLUMN agents.role IS 'Its part in a workflow';
COMMENT ON COLUMN agents.config_json IS 'Configuration of its implementation';
COMMENT ON COLUMN agents.policies_json IS 'The rules that it is held to: an object or a list';

CREATE TABLE workflows (
    tenant_id                   uuid        NOT NULL REFERENCES tenants (id),
    id                          uuid        NOT NULL DEFAULT gen_random_uuid(),
    name                        text        NOT NULL CHECK (name <> ''),
    version                     text        NOT NULL DEFAULT '1.0.0' CHECK (version <> ''),
    config_yaml                 text        NOT NULL,
    planner_type                text        NOT NULL CHECK (planner_type <> ''),
    template_version_constraint text        CHECK (template_version_constraint <> ''),
    created_at                  timestamptz NOT NULL DEFAULT now(),
    updated_at                  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name, version)
);

COMMENT ON TABLE workflows IS 'Work that can be planned, in versions that stand beside each other';
COMMENT ON COLUMN workflows.config_yaml IS 'The definition as it was written, with its comments';
COMMENT ON COLUMN workflows.planner_type IS 'Which planner turns the definition into plans';
COMMENT ON COLUMN workflows.template_version_constraint IS 'The versions of the template that the definition fits; null for any';

CREATE TABLE plans (
    tenant_id   uuid        NOT NULL REFERENCES tenants (id),
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    workflow_id uuid        NOT NULL,
    state       text        NOT NULL CHECK (state <> ''),
    steps       jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(steps) IN ('array', 'object')),
    assignments jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(assignments) IN ('object', 'array')),
    cost        jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(cost) = 'object'),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id)
);

-- The plans of a workflow, newest first; also what the foreign key needs when a workflow is deleted.
CREATE INDEX plans_tenant_id_workflow_id_idx ON plans (tenant_id, workflow_id, created_at);
-- What is to be run next, and what has been running for long.
CREATE INDEX plans_tenant_id_state_idx ON plans (tenant_id, state, updated_at);

COMMENT ON TABLE plans IS 'Runs of a workflow: its steps, and who does them';
COMMENT ON COLUMN plans.state IS 'How far the run is; the planner knows the states';
COMMENT ON COLUMN plans.steps IS 'A list, or an object of steps by name';
COMMENT ON COLUMN plans.assignments IS 'Which agent does which step: an object by step, or a list';
COMMENT ON COLUMN plans.cost IS 'What the run has cost so far';

CREATE TABLE messages (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    id            uuid        NOT NULL,
    trace_id      text,
    span_id       text,
    from_agent    text        NOT NULL,
    to_agent      text        NOT NULL,
    type          text        NOT NULL CHECK (type IN ('request', 'response', 'event', 'control')),
    payload       jsonb       NOT NULL DEFAULT '{}',
    metadata      jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) IN ('object', 'null')),
    cost          jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(cost) IN ('object', 'null')),
    ts            timestamptz NOT NULL,
    envelope_hash varchar(64) NOT NULL CHECK (envelope_hash ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (tenant_id, id)
);

-- The messages of one trace in order, which is how they are read again.
CREATE INDEX messages_tenant_id_trace_id_idx ON messages (tenant_id, trace_id, ts) WHERE trace_id IS NOT NULL;
-- A tenant's latest messages.
CREATE INDEX messages_tenant_id_ts_idx ON messages (tenant_id, ts);
-- An auditor's "which messages carry this", across tenants. See the note on containment below.
CREATE INDEX messages_metadata_idx ON messages USING gin (metadata jsonb_path_ops);

COMMENT ON TABLE messages IS 'What agents said to each other; append-only';
COMMENT ON COLUMN messages.id IS 'Given by the producer, since envelope_hash covers it';
COMMENT ON COLUMN messages.from_agent IS 'The sender as the envelope names it: no foreign key, since messages outlive agents';
COMMENT ON COLUMN messages.to_agent IS 'The receiver as the envelope names it';
COMMENT ON COLUMN messages.payload IS 'What was said: any JSON';
COMMENT ON COLUMN messages.metadata IS 'An object, or the JSON null that some producers write for an empty one: the hash tells them apart';
COMMENT ON COLUMN messages.cost IS 'An object, or JSON null, as in metadata';
COMMENT ON COLUMN messages.ts IS 'When the producer sent it';
COMMENT ON COLUMN messages.envelope_hash IS 'SHA-256 of the canonical envelope as the producer computed it, in lower-case hexadecimal (see af_envelope_hash)';

-- What was said stays said. ALWAYS: as on audits.
CREATE TRIGGER af_audit_guard
    BEFORE UPDATE OR DELETE ON messages
    FOR EACH ROW EXECUTE FUNCTION af_audit_guard();
CREATE TRIGGER af_audit_guard_truncate
    BEFORE TRUNCATE ON messages
    FOR EACH STATEMENT EXECUTE FUNCTION af_audit_guard();
ALTER TABLE messages ENABLE ALWAYS TRIGGER af_audit_guard;
ALTER TABLE messages ENABLE ALWAYS TRIGGER af_audit_guard_truncate;

CREATE TABLE tools (
    tenant_id   uuid        NOT NULL REFERENCES tenants (id),
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    name        text        NOT NULL CHECK (name <> ''),
    schema      jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(schema) = 'object'),
    permissions jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(permissions) IN ('array', 'object')),
    cost_model  jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(cost_model) = 'object'),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

COMMENT ON TABLE tools IS 'What agents can call';
COMMENT ON COLUMN tools.schema IS 'JSON Schema of the arguments';
COMMENT ON COLUMN tools.permissions IS 'What a caller must be allowed: a list, or an object';
COMMENT ON COLUMN tools.cost_model IS 'What a call costs';

CREATE TABLE budgets (
    tenant_id     uuid        NOT NULL REFERENCES tenants (id),
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    name          text        NOT NULL CHECK (name <> ''),
    type          text        NOT NULL CHECK (type <> ''),
    resource_id   text,
    limits        jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object'),
    current_usage jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(current_usage) = 'object'),
    period        text        NOT NULL DEFAULT 'monthly' CHECK (period <> ''),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

-- Which budgets a thing draws on: asked before anything is spent.
CREATE INDEX budgets_tenant_id_type_idx ON budgets (tenant_id, type, resource_id);

COMMENT ON TABLE budgets IS 'What may be spent in a period, and what has been';
COMMENT ON COLUMN budgets.type IS 'What kind of thing the budget is for';
COMMENT ON COLUMN budgets.resource_id IS 'Which one, in the terms of its type; null for all of them';
COMMENT ON COLUMN budgets.limits IS 'The most of each measure, by its name';
COMMENT ON COLUMN budgets.current_usage IS 'What the running period has used of each measure; the application adds to it and starts it anew';

CREATE TABLE rbac_roles (
    tenant_id   uuid        NOT NULL REFERENCES tenants (id),
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    name        text        NOT NULL CHECK (name <> ''),
    permissions jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(permissions) IN ('array', 'object')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

-- "Which roles allow this", across tenants; within one, its few roles are read through the key. PostgreSQL does not
-- search a GIN index for whom row-level security restricts to some rows, because jsonb's operators are not leakproof:
-- these indexes serve those who see all rows, and the others find their tenant's rows by tenant_id and filter them.
CREATE INDEX rbac_roles_permissions_idx ON rbac_roles USING gin (permissions jsonb_path_ops);
-- "Which tools need this", likewise.
CREATE INDEX tools_permissions_idx ON tools USING gin (permissions jsonb_path_ops);

COMMENT ON TABLE rbac_roles IS 'Named sets of permissions, each tenant''s own; not to be taken for the roles of PostgreSQL';
COMMENT ON COLUMN rbac_roles.permissions IS 'What the role allows: a list, or an object; the application enforces it';

CREATE TABLE rbac_bindings (
    tenant_id  uuid        NOT NULL REFERENCES tenants (id),
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id    uuid        NOT NULL,
    role_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_id, role_id),
    -- A binding means nothing without its user. A role that is still given to somebody is not deleted in passing.
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES rbac_roles (tenant_id, id)
);

-- Who has a role; also what the foreign key needs when a role is deleted.
CREATE INDEX rbac_bindings_tenant_id_role_id_idx ON rbac_bindings (tenant_id, role_id);

COMMENT ON TABLE rbac_bindings IS 'Which users have which roles';

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION af_set_updated_at();
CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON agents FOR EACH ROW EXECUTE FUNCTION af_set_updated_at();
CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON workflows FOR EACH ROW EXECUTE FUNCTION af_set_updated_at();
CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON plans FOR EACH ROW EXECUTE FUNCTION af_set_updated_at();
CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON tools FOR EACH ROW EXECUTE FUNCTION af_set_updated_at();
CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON budgets FOR EACH ROW EXECUTE FUNCTION af_set_updated_at();
