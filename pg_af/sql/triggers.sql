-- Trigger functions are plain C functions: they work on the row as it is, without a copy.
CREATE FUNCTION af_audit_chain() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'af_audit_chain';

CREATE FUNCTION af_envelope_check() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'af_envelope_check';

CREATE FUNCTION af_audit_guard() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'af_audit_guard';
