-- What the migrations lead to, as pg_dump tells it. Written by `make generate`.

CREATE EXTENSION IF NOT EXISTS pg_af WITH SCHEMA public;

COMMENT ON EXTENSION pg_af IS 'tamper-evident audit ledger: SHA-256 hash chains per tenant, checked and provable';

CREATE FUNCTION public.af_set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    -- Not now(), the time at which the transaction began: the row is locked by now, so that this one only grows.
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION public.af_set_updated_at() IS 'Trigger: notes in updated_at when a row was last changed';

CREATE FUNCTION public.af_tenant_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('af.tenant_id'::text, true), ''::text))::uuid;

COMMENT ON FUNCTION public.af_tenant_id() IS 'The tenant that this session works for, by the setting af.tenant_id; null where it is not set';

CREATE TABLE public.agents (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    role text NOT NULL,
    config_json jsonb DEFAULT '{}'::jsonb NOT NULL,
    policies_json jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT agents_config_json_check CHECK ((jsonb_typeof(config_json) = 'object'::text)),
    CONSTRAINT agents_name_check CHECK ((name <> ''::text)),
    CONSTRAINT agents_policies_json_check CHECK ((jsonb_typeof(policies_json) = ANY (ARRAY['object'::text, 'array'::text]))),
    CONSTRAINT agents_role_check CHECK ((role <> ''::text)),
    CONSTRAINT agents_type_check CHECK ((type <> ''::text))
);

ALTER TABLE ONLY public.agents FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.agents IS 'Programs that act for a tenant';

COMMENT ON COLUMN public.agents.type IS 'The implementation that runs the agent';

COMMENT ON COLUMN public.agents.role IS 'Its part in a workflow';

COMMENT ON COLUMN public.agents.config_json IS 'Configuration of its implementation';

COMMENT ON COLUMN public.agents.policies_json IS 'The rules that it is held to: an object or a list';

CREATE TABLE public.audit_checkpoints (
    tenant_id uuid NOT NULL,
    incarnation integer NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    hash bytea NOT NULL,
    origin text NOT NULL,
    note text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT audit_checkpoints_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audit_checkpoints_incarnation_check CHECK ((incarnation >= 1)),
    CONSTRAINT audit_checkpoints_note_check CHECK ((note <> ''::text)),
    CONSTRAINT audit_checkpoints_origin_check CHECK ((origin <> ''::text)),
    CONSTRAINT audit_checkpoints_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT audit_checkpoints_size_check CHECK ((size >= 1))
);

ALTER TABLE ONLY public.audit_checkpoints FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.audit_checkpoints IS 'Append-only copy of the checkpoints that were signed of the chains, with which af_audit_verify() compares them';

COMMENT ON COLUMN public.audit_checkpoints.incarnation IS 'Which chain of the tenant''s: 1, and one more whenever it was begun anew';

COMMENT ON COLUMN public.audit_checkpoints.size IS 'How many entries the chain had: the seq of the last one';

COMMENT ON COLUMN public.audit_checkpoints.root IS 'RFC 6962 Merkle tree hash over the entries'' hashes';

COMMENT ON COLUMN public.audit_checkpoints.hash IS 'hash of the last entry';

COMMENT ON COLUMN public.audit_checkpoints.origin IS 'The first line of the note: which log, of which database, this is a checkpoint of';

COMMENT ON COLUMN public.audit_checkpoints.note IS 'The signed note as it was published (C2SP tlog-checkpoint)';

CREATE TABLE public.audit_verifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    verified_by text DEFAULT SESSION_USER NOT NULL,
    method text NOT NULL,
    version text NOT NULL,
    relation text NOT NULL,
    tenants uuid[],
    chains bigint NOT NULL,
    entries bigint NOT NULL,
    findings bigint NOT NULL,
    status text NOT NULL,
    guards text NOT NULL,
    checkpoint text,
    since text,
    CONSTRAINT audit_verifications_chains_check CHECK ((chains >= 0)),
    CONSTRAINT audit_verifications_check CHECK ((finished_at >= started_at)),
    CONSTRAINT audit_verifications_entries_check CHECK ((entries >= 0)),
    CONSTRAINT audit_verifications_findings_check CHECK ((findings >= 0)),
    CONSTRAINT audit_verifications_guards_check CHECK ((guards = ANY (ARRAY['in_place'::text, 'differ'::text, 'open'::text, 'not_compared'::text, 'not_looked_at'::text]))),
    CONSTRAINT audit_verifications_method_check CHECK ((method = ANY (ARRAY['outside'::text, 'in_database'::text]))),
    CONSTRAINT audit_verifications_relation_check CHECK ((relation <> ''::text)),
    CONSTRAINT audit_verifications_status_check CHECK ((status = ANY (ARRAY['ok'::text, 'empty'::text, 'partial'::text, 'tampered'::text]))),
    CONSTRAINT audit_verifications_version_check CHECK ((version <> ''::text))
);

ALTER TABLE ONLY public.audit_verifications FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.audit_verifications IS 'Append-only record of verifications of the ledger';

COMMENT ON COLUMN public.audit_verifications.method IS 'Who recomputed the hashes: af-tools (outside), or the server';

COMMENT ON COLUMN public.audit_verifications.version IS 'Of the program that verified';

COMMENT ON COLUMN public.audit_verifications.tenants IS 'Whose chains were verified; null: all';

COMMENT ON COLUMN public.audit_verifications.guards IS 'Whether what guards the ledger was found in place';

COMMENT ON COLUMN public.audit_verifications.checkpoint IS 'The checkpoints that it was held against; null: none';

COMMENT ON COLUMN public.audit_verifications.since IS 'What was recorded before, so that older entries were not read; null: all were';

CREATE TABLE public.audits (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    ts timestamp with time zone NOT NULL,
    actor_type text NOT NULL,
    actor_id text NOT NULL,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    hash_version smallint NOT NULL,
    prev_hash bytea,
    hash bytea NOT NULL,
    CONSTRAINT audits_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audits_prev_hash_check CHECK (
CASE
    WHEN (seq = 1) THEN (prev_hash IS NULL)
    ELSE ((prev_hash IS NOT NULL) AND (octet_length(prev_hash) = 32))
END),
    CONSTRAINT audits_seq_check CHECK ((seq >= 1))
);

ALTER TABLE ONLY public.audits FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.audits IS 'Append-only audit ledger: each tenant''s entries form a SHA-256 hash chain, checked by af_audit_verify()';

COMMENT ON COLUMN public.audits.seq IS 'Position in the tenant''s chain: 1, 2, 3 … without gaps; given by the trigger';

COMMENT ON COLUMN public.audits.ts IS 'When it happened; the server''s clock when the insert leaves it null';

COMMENT ON COLUMN public.audits.hash_version IS 'Version of the record format that hash covers; given by the trigger';

COMMENT ON COLUMN public.audits.prev_hash IS 'hash of the entry before, null for seq 1; given by the trigger';

COMMENT ON COLUMN public.audits.hash IS 'SHA-256 of prev_hash and the canonical record (see af_audit_record); given by the trigger';

CREATE TABLE public.budgets (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    resource_id text,
    limits jsonb DEFAULT '{}'::jsonb NOT NULL,
    current_usage jsonb DEFAULT '{}'::jsonb NOT NULL,
    period text DEFAULT 'monthly'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT budgets_current_usage_check CHECK ((jsonb_typeof(current_usage) = 'object'::text)),
    CONSTRAINT budgets_limits_check CHECK ((jsonb_typeof(limits) = 'object'::text)),
    CONSTRAINT budgets_name_check CHECK ((name <> ''::text)),
    CONSTRAINT budgets_period_check CHECK ((period <> ''::text)),
    CONSTRAINT budgets_type_check CHECK ((type <> ''::text))
);

ALTER TABLE ONLY public.budgets FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.budgets IS 'What may be spent in a period, and what has been';

COMMENT ON COLUMN public.budgets.type IS 'What kind of thing the budget is for';

COMMENT ON COLUMN public.budgets.resource_id IS 'Which one, in the terms of its type; null for all of them';

COMMENT ON COLUMN public.budgets.limits IS 'The most of each measure, by its name';

COMMENT ON COLUMN public.budgets.current_usage IS 'What the running period has used of each measure; the application adds to it and starts it anew';

CREATE TABLE public.messages (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    trace_id text,
    span_id text,
    from_agent text NOT NULL,
    to_agent text NOT NULL,
    type text NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    cost jsonb DEFAULT '{}'::jsonb NOT NULL,
    ts timestamp with time zone NOT NULL,
    envelope_hash character varying(64) NOT NULL,
    CONSTRAINT messages_cost_check CHECK ((jsonb_typeof(cost) = ANY (ARRAY['object'::text, 'null'::text]))),
    CONSTRAINT messages_envelope_hash_check CHECK (((envelope_hash)::text ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT messages_metadata_check CHECK ((jsonb_typeof(metadata) = ANY (ARRAY['object'::text, 'null'::text]))),
    CONSTRAINT messages_type_check CHECK ((type = ANY (ARRAY['request'::text, 'response'::text, 'event'::text, 'control'::text])))
);

ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.messages IS 'What agents said to each other; append-only';

COMMENT ON COLUMN public.messages.id IS 'Given by the producer, since envelope_hash covers it';

COMMENT ON COLUMN public.messages.from_agent IS 'The sender as the envelope names it: no foreign key, since messages outlive agents';

COMMENT ON COLUMN public.messages.to_agent IS 'The receiver as the envelope names it';

COMMENT ON COLUMN public.messages.payload IS 'What was said: any JSON';

COMMENT ON COLUMN public.messages.metadata IS 'An object, or the JSON null that some producers write for an empty one: the hash tells them apart';

COMMENT ON COLUMN public.messages.cost IS 'An object, or JSON null, as in metadata';

COMMENT ON COLUMN public.messages.ts IS 'When the producer sent it';

COMMENT ON COLUMN public.messages.envelope_hash IS 'SHA-256 of the canonical envelope as the producer computed it, in lower-case hexadecimal (see af_envelope_hash)';

CREATE TABLE public.plans (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workflow_id uuid NOT NULL,
    state text NOT NULL,
    steps jsonb DEFAULT '[]'::jsonb NOT NULL,
    assignments jsonb DEFAULT '{}'::jsonb NOT NULL,
    cost jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT plans_assignments_check CHECK ((jsonb_typeof(assignments) = ANY (ARRAY['object'::text, 'array'::text]))),
    CONSTRAINT plans_cost_check CHECK ((jsonb_typeof(cost) = 'object'::text)),
    CONSTRAINT plans_state_check CHECK ((state <> ''::text)),
    CONSTRAINT plans_steps_check CHECK ((jsonb_typeof(steps) = ANY (ARRAY['array'::text, 'object'::text])))
);

ALTER TABLE ONLY public.plans FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.plans IS 'Runs of a workflow: its steps, and who does them';

COMMENT ON COLUMN public.plans.state IS 'How far the run is; the planner knows the states';

COMMENT ON COLUMN public.plans.steps IS 'A list, or an object of steps by name';

COMMENT ON COLUMN public.plans.assignments IS 'Which agent does which step: an object by step, or a list';

COMMENT ON COLUMN public.plans.cost IS 'What the run has cost so far';

CREATE TABLE public.rbac_bindings (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.rbac_bindings FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.rbac_bindings IS 'Which users have which roles';

CREATE TABLE public.rbac_roles (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    permissions jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT rbac_roles_name_check CHECK ((name <> ''::text)),
    CONSTRAINT rbac_roles_permissions_check CHECK ((jsonb_typeof(permissions) = ANY (ARRAY['array'::text, 'object'::text])))
);

ALTER TABLE ONLY public.rbac_roles FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.rbac_roles IS 'Named sets of permissions, each tenant''s own; not to be taken for the roles of PostgreSQL';

COMMENT ON COLUMN public.rbac_roles.permissions IS 'What the role allows: a list, or an object; the application enforces it';

CREATE TABLE public.tenants (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    tier text DEFAULT 'free'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenants_name_check CHECK ((name <> ''::text))
);

ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.tenants IS 'The parties that share this database; each has its own audit chain';

COMMENT ON COLUMN public.tenants.tier IS 'The plan that the tenant is on';

COMMENT ON COLUMN public.tenants.settings IS 'The tenant''s preferences, read by the application alone';

COMMENT ON COLUMN public.tenants.updated_at IS 'When the row was last changed; kept by a trigger, here and in every table that has it';

CREATE TABLE public.tools (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    schema jsonb DEFAULT '{}'::jsonb NOT NULL,
    permissions jsonb DEFAULT '[]'::jsonb NOT NULL,
    cost_model jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tools_cost_model_check CHECK ((jsonb_typeof(cost_model) = 'object'::text)),
    CONSTRAINT tools_name_check CHECK ((name <> ''::text)),
    CONSTRAINT tools_permissions_check CHECK ((jsonb_typeof(permissions) = ANY (ARRAY['array'::text, 'object'::text]))),
    CONSTRAINT tools_schema_check CHECK ((jsonb_typeof(schema) = 'object'::text))
);

ALTER TABLE ONLY public.tools FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.tools IS 'What agents can call';

COMMENT ON COLUMN public.tools.schema IS 'JSON Schema of the arguments';

COMMENT ON COLUMN public.tools.permissions IS 'What a caller must be allowed: a list, or an object';

COMMENT ON COLUMN public.tools.cost_model IS 'What a call costs';

CREATE TABLE public.users (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    role text DEFAULT 'viewer'::text NOT NULL,
    hashed_secret text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_check CHECK ((email <> ''::text)),
    CONSTRAINT users_hashed_secret_check CHECK ((hashed_secret <> ''::text)),
    CONSTRAINT users_role_check CHECK ((role <> ''::text))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.users IS 'People who sign in';

COMMENT ON COLUMN public.users.email IS 'Unique within the tenant as it is written: the application decides on upper and lower case';

COMMENT ON COLUMN public.users.role IS 'What the user may do by default; rbac_bindings add to it';

COMMENT ON COLUMN public.users.hashed_secret IS 'Salted, slow hash of the secret, never the secret; null for who signs in elsewhere';

CREATE TABLE public.workflows (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    version text DEFAULT '1.0.0'::text NOT NULL,
    config_yaml text NOT NULL,
    planner_type text NOT NULL,
    template_version_constraint text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workflows_name_check CHECK ((name <> ''::text)),
    CONSTRAINT workflows_planner_type_check CHECK ((planner_type <> ''::text)),
    CONSTRAINT workflows_template_version_constraint_check CHECK ((template_version_constraint <> ''::text)),
    CONSTRAINT workflows_version_check CHECK ((version <> ''::text))
);

ALTER TABLE ONLY public.workflows FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.workflows IS 'Work that can be planned, in versions that stand beside each other';

COMMENT ON COLUMN public.workflows.config_yaml IS 'The definition as it was written, with its comments';

COMMENT ON COLUMN public.workflows.planner_type IS 'Which planner turns the definition into plans';

COMMENT ON COLUMN public.workflows.template_version_constraint IS 'The versions of the template that the definition fits; null for any';

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (tenant_id, incarnation, size);

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_tenant_id_incarnation_size_root_hash_key UNIQUE (tenant_id, incarnation, size, root, hash);

ALTER TABLE ONLY public.audit_verifications
    ADD CONSTRAINT audit_verifications_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audits
    ADD CONSTRAINT audits_id_key UNIQUE (id);

ALTER TABLE ONLY public.audits
    ADD CONSTRAINT audits_pkey PRIMARY KEY (tenant_id, seq);

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.rbac_bindings
    ADD CONSTRAINT rbac_bindings_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.rbac_bindings
    ADD CONSTRAINT rbac_bindings_tenant_id_user_id_role_id_key UNIQUE (tenant_id, user_id, role_id);

ALTER TABLE ONLY public.rbac_roles
    ADD CONSTRAINT rbac_roles_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.rbac_roles
    ADD CONSTRAINT rbac_roles_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_name_key UNIQUE (name);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tools
    ADD CONSTRAINT tools_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tools
    ADD CONSTRAINT tools_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_email_key UNIQUE (tenant_id, email);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_tenant_id_name_version_key UNIQUE (tenant_id, name, version);

CREATE INDEX audit_verifications_finished_at_idx ON public.audit_verifications USING btree (finished_at);

CREATE INDEX audits_tenant_id_ts_idx ON public.audits USING btree (tenant_id, ts);

CREATE INDEX budgets_tenant_id_type_idx ON public.budgets USING btree (tenant_id, type, resource_id);

CREATE INDEX messages_metadata_idx ON public.messages USING gin (metadata jsonb_path_ops);

CREATE INDEX messages_tenant_id_trace_id_idx ON public.messages USING btree (tenant_id, trace_id, ts) WHERE (trace_id IS NOT NULL);

CREATE INDEX messages_tenant_id_ts_idx ON public.messages USING btree (tenant_id, ts);

CREATE INDEX plans_tenant_id_state_idx ON public.plans USING btree (tenant_id, state, updated_at);

CREATE INDEX plans_tenant_id_workflow_id_idx ON public.plans USING btree (tenant_id, workflow_id, created_at);

CREATE INDEX rbac_bindings_tenant_id_role_id_idx ON public.rbac_bindings USING btree (tenant_id, role_id);

CREATE INDEX rbac_roles_permissions_idx ON public.rbac_roles USING gin (permissions jsonb_path_ops);

CREATE INDEX tools_permissions_idx ON public.tools USING gin (permissions jsonb_path_ops);

CREATE TRIGGER af_audit_guard BEFORE DELETE OR UPDATE ON public.audit_checkpoints FOR EACH ROW EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.audit_checkpoints ENABLE ALWAYS TRIGGER af_audit_guard;

CREATE TRIGGER af_audit_guard BEFORE DELETE OR UPDATE ON public.audit_verifications FOR EACH ROW EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.audit_verifications ENABLE ALWAYS TRIGGER af_audit_guard;

CREATE TRIGGER af_audit_guard BEFORE DELETE OR UPDATE ON public.audits FOR EACH ROW EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.audits ENABLE ALWAYS TRIGGER af_audit_guard;

CREATE TRIGGER af_audit_guard BEFORE DELETE OR UPDATE ON public.messages FOR EACH ROW EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.messages ENABLE ALWAYS TRIGGER af_audit_guard;

CREATE TRIGGER af_audit_guard_truncate BEFORE TRUNCATE ON public.audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.audit_checkpoints ENABLE ALWAYS TRIGGER af_audit_guard_truncate;

CREATE TRIGGER af_audit_guard_truncate BEFORE TRUNCATE ON public.audit_verifications FOR EACH STATEMENT EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.audit_verifications ENABLE ALWAYS TRIGGER af_audit_guard_truncate;

CREATE TRIGGER af_audit_guard_truncate BEFORE TRUNCATE ON public.audits FOR EACH STATEMENT EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.audits ENABLE ALWAYS TRIGGER af_audit_guard_truncate;

CREATE TRIGGER af_audit_guard_truncate BEFORE TRUNCATE ON public.messages FOR EACH STATEMENT EXECUTE FUNCTION public.af_audit_guard();

ALTER TABLE public.messages ENABLE ALWAYS TRIGGER af_audit_guard_truncate;

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON public.agents FOR EACH ROW EXECUTE FUNCTION public.af_set_updated_at();

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON public.budgets FOR EACH ROW EXECUTE FUNCTION public.af_set_updated_at();

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON public.plans FOR EACH ROW EXECUTE FUNCTION public.af_set_updated_at();

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON public.tenants FOR EACH ROW EXECUTE FUNCTION public.af_set_updated_at();

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON public.tools FOR EACH ROW EXECUTE FUNCTION public.af_set_updated_at();

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.af_set_updated_at();

CREATE TRIGGER af_set_updated_at BEFORE UPDATE ON public.workflows FOR EACH ROW EXECUTE FUNCTION public.af_set_updated_at();

CREATE TRIGGER zz_af_audit_chain BEFORE INSERT ON public.audits FOR EACH ROW EXECUTE FUNCTION public.af_audit_chain();

ALTER TABLE public.audits ENABLE ALWAYS TRIGGER zz_af_audit_chain;

CREATE TRIGGER zz_af_envelope_check BEFORE INSERT ON public.messages FOR EACH ROW EXECUTE FUNCTION public.af_envelope_check();

ALTER TABLE public.messages ENABLE ALWAYS TRIGGER zz_af_envelope_check;

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.audits
    ADD CONSTRAINT audits_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_tenant_id_workflow_id_fkey FOREIGN KEY (tenant_id, workflow_id) REFERENCES public.workflows(tenant_id, id);

ALTER TABLE ONLY public.rbac_bindings
    ADD CONSTRAINT rbac_bindings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.rbac_bindings
    ADD CONSTRAINT rbac_bindings_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES public.rbac_roles(tenant_id, id);

ALTER TABLE ONLY public.rbac_bindings
    ADD CONSTRAINT rbac_bindings_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rbac_roles
    ADD CONSTRAINT rbac_roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.tools
    ADD CONSTRAINT tools_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

CREATE POLICY af_admin ON public.agents TO af_admin USING (true);

CREATE POLICY af_admin ON public.audit_checkpoints TO af_admin USING (true);

CREATE POLICY af_admin ON public.audit_verifications TO af_admin USING (true);

CREATE POLICY af_admin ON public.budgets TO af_admin USING (true);

CREATE POLICY af_admin ON public.plans TO af_admin USING (true);

CREATE POLICY af_admin ON public.rbac_bindings TO af_admin USING (true);

CREATE POLICY af_admin ON public.rbac_roles TO af_admin USING (true);

CREATE POLICY af_admin ON public.tenants TO af_admin USING (true);

CREATE POLICY af_admin ON public.tools TO af_admin USING (true);

CREATE POLICY af_admin ON public.users TO af_admin USING (true);

CREATE POLICY af_admin ON public.workflows TO af_admin USING (true);

CREATE POLICY af_auditor ON public.agents FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.audit_checkpoints FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.audit_verifications FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.audits FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.budgets FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.messages FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.plans FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.rbac_bindings FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.rbac_roles FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.tenants FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.tools FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.users FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_auditor ON public.workflows FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_own_tenant ON public.agents USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.audit_checkpoints USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.audits USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.budgets USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.messages USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.plans USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.rbac_bindings USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.rbac_roles USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.tenants USING ((id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.tools USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.users USING ((tenant_id = public.af_tenant_id()));

CREATE POLICY af_own_tenant ON public.workflows USING ((tenant_id = public.af_tenant_id()));

ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_checkpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_verifications ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audits ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.budgets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.plans ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rbac_bindings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rbac_roles ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tools ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.workflows ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO af_app;
GRANT USAGE ON SCHEMA public TO af_auditor;
GRANT USAGE ON SCHEMA public TO af_admin;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.agents TO af_app;
GRANT SELECT ON TABLE public.agents TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.agents TO af_admin;

GRANT SELECT ON TABLE public.audit_checkpoints TO af_app;
GRANT SELECT ON TABLE public.audit_checkpoints TO af_auditor;
GRANT SELECT,INSERT ON TABLE public.audit_checkpoints TO af_admin;

GRANT SELECT ON TABLE public.audit_verifications TO af_auditor;
GRANT SELECT ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(started_at) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(method) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(version) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(relation) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(tenants) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(chains) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(entries) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(findings) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(status) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(guards) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(checkpoint) ON TABLE public.audit_verifications TO af_admin;

GRANT INSERT(since) ON TABLE public.audit_verifications TO af_admin;

GRANT SELECT ON TABLE public.audits TO af_app;
GRANT SELECT ON TABLE public.audits TO af_auditor;

GRANT INSERT(tenant_id) ON TABLE public.audits TO af_app;

GRANT INSERT(id) ON TABLE public.audits TO af_app;

GRANT INSERT(ts) ON TABLE public.audits TO af_app;

GRANT INSERT(actor_type) ON TABLE public.audits TO af_app;

GRANT INSERT(actor_id) ON TABLE public.audits TO af_app;

GRANT INSERT(action) ON TABLE public.audits TO af_app;

GRANT INSERT(resource_type) ON TABLE public.audits TO af_app;

GRANT INSERT(resource_id) ON TABLE public.audits TO af_app;

GRANT INSERT(details) ON TABLE public.audits TO af_app;

GRANT SELECT ON TABLE public.budgets TO af_app;
GRANT SELECT ON TABLE public.budgets TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budgets TO af_admin;

GRANT UPDATE(current_usage) ON TABLE public.budgets TO af_app;

GRANT SELECT,INSERT ON TABLE public.messages TO af_app;
GRANT SELECT ON TABLE public.messages TO af_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.plans TO af_app;
GRANT SELECT ON TABLE public.plans TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.plans TO af_admin;

GRANT SELECT ON TABLE public.rbac_bindings TO af_app;
GRANT SELECT ON TABLE public.rbac_bindings TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rbac_bindings TO af_admin;

GRANT SELECT ON TABLE public.rbac_roles TO af_app;
GRANT SELECT ON TABLE public.rbac_roles TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rbac_roles TO af_admin;

GRANT SELECT ON TABLE public.tenants TO af_app;
GRANT SELECT ON TABLE public.tenants TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenants TO af_admin;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tools TO af_app;
GRANT SELECT ON TABLE public.tools TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tools TO af_admin;

GRANT SELECT ON TABLE public.users TO af_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO af_admin;

GRANT SELECT(tenant_id) ON TABLE public.users TO af_auditor;

GRANT SELECT(id) ON TABLE public.users TO af_auditor;

GRANT SELECT(email) ON TABLE public.users TO af_auditor;

GRANT SELECT(role) ON TABLE public.users TO af_auditor;

GRANT SELECT(created_at) ON TABLE public.users TO af_auditor;

GRANT SELECT(updated_at) ON TABLE public.users TO af_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workflows TO af_app;
GRANT SELECT ON TABLE public.workflows TO af_auditor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workflows TO af_admin;
