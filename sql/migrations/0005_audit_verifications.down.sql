-- Destroys the record of verifications; the ledger itself stays what it is.
DROP TABLE audit_verifications;
