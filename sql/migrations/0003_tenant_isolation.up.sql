-- Who may do what, and on whose rows.
--
-- Three group roles, which logins are made members of (GRANT af_app TO some_login):
--   af_app      the application: one tenant's rows at a time, the ledger and the messages append-only
--   af_auditor  reads every tenant's rows, which is what af_audit_verify() needs to say 'ok'; writes nothing
--   af_admin    manages every tenant's rows, but neither reads nor writes the ledger and the messages
--
-- One rule on every table: a row is there for whom af.tenant_id names its tenant. Not set or empty, there are no rows and
-- none can be inserted. What is not a UUID is an error (22P02) and not an empty answer, which would look like a tenant
-- without data. The application sets it for each transaction (SET LOCAL af.tenant_id = '…'). Any session can set it to
-- any tenant, so it keeps the application from mistakes, not from whoever runs SQL of his own choice in its name.
--
-- FORCE: the rule holds for the tables' owner too, so that an application that connects as owner sees nothing by default
-- instead of everything. Superusers and roles with BYPASSRLS are exempt; so are PostgreSQL's own checks of foreign keys.
-- An owner who is neither:
--   reads and verifies all tenants as a member of af_auditor, and is told 'partial' without;
--   dumps with `pg_dump --enable-row-security` as a member of af_auditor; without either, pg_dump fails and says why;
--   imports one tenant's entries with af.tenant_id set (PGOPTIONS='-c af.tenant_id=…'), and many tenants' through a login
--   with BYPASSRLS. A dump restores into an empty database as ever: policies come after the data.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['af_app', 'af_auditor', 'af_admin'] LOOP
        -- Roles belong to the cluster: another database may have them already, or be about to.
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION USING
                        ERRCODE = 'insufficient_privilege',
                        MESSAGE = format('role "%s" does not exist and cannot be created by "%s"', wanted, current_user),
                        HINT = format('Let somebody with CREATEROLE run: CREATE ROLE %I NOLOGIN;', wanted);
            END;
        END IF;
        IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted AND (rolsuper OR rolbypassrls)) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('role "%s" bypasses row-level security', wanted),
                HINT = format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS;', wanted);
        END IF;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO af_app, af_auditor, af_admin', current_schema());
END
$$;

-- The body is bound here and not when it runs, so that no search_path misleads it, and is short enough to be inlined.
CREATE FUNCTION af_tenant_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('af.tenant_id', true), '')::uuid;

COMMENT ON FUNCTION af_tenant_id() IS 'The tenant that this session works for, by the setting af.tenant_id; null where it is not set';

-- Policies run with the rights of whoever is restricted by them.
GRANT EXECUTE ON FUNCTION af_tenant_id() TO PUBLIC;

ALTER TABLE tenants       ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE users         ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agents        ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE workflows     ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE plans         ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE messages      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE tools         ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audits        ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE budgets       ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE rbac_roles    ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE rbac_bindings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- For all roles and all commands: what a new row must be is the same as what can be seen.
CREATE POLICY af_own_tenant ON tenants       USING (id = af_tenant_id());
CREATE POLICY af_own_tenant ON users         USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON agents        USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON workflows     USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON plans         USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON messages      USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON tools         USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON audits        USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON budgets       USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON rbac_roles    USING (tenant_id = af_tenant_id());
CREATE POLICY af_own_tenant ON rbac_bindings USING (tenant_id = af_tenant_id());

-- USING (true) is what the verifiers recognise as "sees every row".
CREATE POLICY af_auditor ON tenants       FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON users         FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON agents        FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON workflows     FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON plans         FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON messages      FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON tools         FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON audits        FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON budgets       FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON rbac_roles    FOR SELECT TO af_auditor USING (true);
CREATE POLICY af_auditor ON rbac_bindings FOR SELECT TO af_auditor USING (true);

CREATE POLICY af_admin ON tenants       TO af_admin USING (true);
CREATE POLICY af_admin ON users         TO af_admin USING (true);
CREATE POLICY af_admin ON agents        TO af_admin USING (true);
CREATE POLICY af_admin ON workflows     TO af_admin USING (true);
CREATE POLICY af_admin ON plans         TO af_admin USING (true);
CREATE POLICY af_admin ON tools         TO af_admin USING (true);
CREATE POLICY af_admin ON budgets       TO af_admin USING (true);
CREATE POLICY af_admin ON rbac_roles    TO af_admin USING (true);
CREATE POLICY af_admin ON rbac_bindings TO af_admin USING (true);

-- The application appends to the ledger and the messages. The columns that the chain gives are not its to name.
GRANT SELECT ON audits, messages TO af_app;
GRANT INSERT (tenant_id, id, ts, actor_type, actor_id, action, resource_type, resource_id, details) ON audits TO af_app;
GRANT INSERT ON messages TO af_app;
-- It keeps what it works with, and adds up what is spent.
GRANT SELECT, INSERT, UPDATE, DELETE ON agents, workflows, plans, tools TO af_app;
GRANT UPDATE (current_usage) ON budgets TO af_app;
-- Who there is, what they may do and spend is only looked up: whoever takes over the application gains no rights by it.
GRANT SELECT ON tenants, users, budgets, rbac_roles, rbac_bindings TO af_app;

-- An auditor needs nobody's secret.
GRANT SELECT (tenant_id, id, email, role, created_at, updated_at) ON users TO af_auditor;
GRANT SELECT ON tenants, agents, workflows, plans, messages, tools, audits, budgets, rbac_roles, rbac_bindings TO af_auditor;

GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, users, agents, workflows, plans, tools, budgets, rbac_roles, rbac_bindings TO af_admin;
