-- Whether row-level security may hide rows of a table from the current user: it is active, and there is no policy by
-- which the user reads every row, or there is a restrictive one beside it. $1 is the table's OID.
--
-- Both verifiers ask this. Names and operators are given with their schema, since it also runs with the search_path
-- of whoever calls af_audit_verify().
WITH applicable AS (
    SELECT p.polpermissive, pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS condition
    FROM pg_catalog.pg_policy AS p
    WHERE p.polrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid
      AND p.polcmd OPERATOR(pg_catalog.=) ANY (ARRAY['r', '*']::pg_catalog."char"[])
      AND EXISTS (
          SELECT FROM pg_catalog.unnest(p.polroles) AS r (oid)
          WHERE CASE WHEN r.oid OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN true -- PUBLIC
                     ELSE pg_catalog.pg_has_role(r.oid, 'USAGE') END
      )
)
SELECT pg_catalog.row_security_active($1::pg_catalog.oid)
   AND NOT (EXISTS (SELECT FROM applicable WHERE polpermissive AND condition OPERATOR(pg_catalog.=) 'true')
            AND NOT EXISTS (SELECT FROM applicable WHERE NOT polpermissive))
