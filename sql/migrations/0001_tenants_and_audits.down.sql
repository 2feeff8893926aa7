-- Destroys every tenant and every audit entry. The extension stays: other tables may use it.
DROP TABLE audits;
DROP TABLE tenants;
