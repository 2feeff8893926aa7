-- Destroys everything but the tenants and the ledger.
DROP TABLE rbac_bindings;
DROP TABLE rbac_roles;
DROP TABLE budgets;
DROP TABLE tools;
DROP TABLE messages;
DROP TABLE plans;
DROP TABLE workflows;
DROP TABLE agents;
DROP TABLE users;

COMMENT ON COLUMN tenants.updated_at IS NULL;
COMMENT ON COLUMN tenants.settings IS NULL;
COMMENT ON COLUMN tenants.tier IS NULL;
DROP TRIGGER af_set_updated_at ON tenants;
DROP FUNCTION af_set_updated_at();
