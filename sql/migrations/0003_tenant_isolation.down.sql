-- Opens the tables to whoever was granted something on them by others. The group roles stay: they belong to the cluster,
-- where other databases may have granted them rights and logins may be members. What this database gave them is taken
-- back; `DROP ROLE af_app, af_auditor, af_admin` is for whoever knows that no database needs them any more.

REVOKE ALL ON tenants, users, agents, workflows, plans, messages, tools, audits, budgets, rbac_roles, rbac_bindings
    FROM af_app, af_auditor, af_admin;

DROP POLICY af_admin ON tenants;
DROP POLICY af_admin ON users;
DROP POLICY af_admin ON agents;
DROP POLICY af_admin ON workflows;
DROP POLICY af_admin ON plans;
DROP POLICY af_admin ON tools;
DROP POLICY af_admin ON budgets;
DROP POLICY af_admin ON rbac_roles;
DROP POLICY af_admin ON rbac_bindings;

DROP POLICY af_auditor ON tenants;
DROP POLICY af_auditor ON users;
DROP POLICY af_auditor ON agents;
DROP POLICY af_auditor ON workflows;
DROP POLICY af_auditor ON plans;
DROP POLICY af_auditor ON messages;
DROP POLICY af_auditor ON tools;
DROP POLICY af_auditor ON audits;
DROP POLICY af_auditor ON budgets;
DROP POLICY af_auditor ON rbac_roles;
DROP POLICY af_auditor ON rbac_bindings;

DROP POLICY af_own_tenant ON tenants;
DROP POLICY af_own_tenant ON users;
DROP POLICY af_own_tenant ON agents;
DROP POLICY af_own_tenant ON workflows;
DROP POLICY af_own_tenant ON plans;
DROP POLICY af_own_tenant ON messages;
DROP POLICY af_own_tenant ON tools;
DROP POLICY af_own_tenant ON audits;
DROP POLICY af_own_tenant ON budgets;
DROP POLICY af_own_tenant ON rbac_roles;
DROP POLICY af_own_tenant ON rbac_bindings;

ALTER TABLE tenants       NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE users         NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE agents        NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE workflows     NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE plans         NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE messages      NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE tools         NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE audits        NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE budgets       NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE rbac_roles    NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE rbac_bindings NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP FUNCTION af_tenant_id();

DO $$
BEGIN
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM af_app, af_auditor, af_admin', current_schema());
END
$$;
