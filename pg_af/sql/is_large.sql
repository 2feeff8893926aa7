-- Whether table $1, all its partitions together, is as large as one that PostgreSQL considers reading in parallel, and
-- the current user may use the aggregate in the schema $2 (quoted).
SELECT coalesce((SELECT sum(pg_catalog.pg_relation_size(relid)) FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid)),
                pg_catalog.pg_relation_size($1::pg_catalog.oid))
       OPERATOR(pg_catalog.>=) pg_catalog.pg_size_bytes(pg_catalog.current_setting('min_parallel_table_scan_size'))::pg_catalog.numeric
   AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_proc AS p ON p.pronamespace OPERATOR(pg_catalog.=) n.oid
WHERE pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.=) $2 AND p.proname OPERATOR(pg_catalog.=) 'af_audit_tally'
