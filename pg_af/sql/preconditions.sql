-- Canonical JSON is defined on Unicode text: refuse a database where text is something else.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE feature_not_supported USING
            MESSAGE = pg_catalog.format('pg_af needs a database in encoding UTF8, this one is %s', pg_catalog.getdatabaseencoding()),
            HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
END
$$;
