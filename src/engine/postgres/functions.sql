-- Every function that these words could call: by name, or as a field of a row. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/catalog-pg-proc.html
SELECT p.oid::text AS oid, n.nspname::text AS schema, p.proname::text AS name, p.oid < 16384 AS built_in,
       p.provolatile = 'v' AS volatile, l.lanname::text AS language, COALESCE(e.extname::text, '') AS extension,
       p.prosrc AS source, COALESCE(pg_catalog.pg_get_expr(p.proargdefaults, 0), '') AS defaults,
       COALESCE(p.proconfig::text, '') AS settings,
       ARRAY(SELECT q.proname::text FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc q
               ON q.oid IN (a.aggtransfn::oid, a.aggfinalfn::oid, a.aggcombinefn::oid, a.aggmtransfn::oid, a.aggminvtransfn::oid, a.aggmfinalfn::oid)
             WHERE a.aggfnoid = p.oid ORDER BY 1) AS parts
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
WHERE NOT 'internal'::regtype = ANY(p.proargtypes) AND (p.proname = ANY($1::text[]::name[])
   OR p.proname = ANY($2::text[]::name[]) AND p.oid >= 16384 AND p.pronargs >= 1
      AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = p.proargtypes[0]
                  AND t.typtype IN ('c', 'd', 'p')))
ORDER BY 2, 3, 1;
