-- A plain C function, since pgrx has no type for pg_lsn.
CREATE FUNCTION af_wal_flush() RETURNS pg_lsn
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'af_wal_flush';
