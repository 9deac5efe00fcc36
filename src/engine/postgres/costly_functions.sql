-- Functions of users that must be run anew for each row, or say that they are dear. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/catalog-pg-proc.html
SELECT DISTINCT p.proname::text AS name, p.provolatile = 'v' AS volatile, p.procost::float8 AS cost
FROM pg_catalog.pg_proc p
WHERE p.oid >= 16384 AND p.prokind = 'f' AND p.proname = ANY($1::text[]::name[]) AND (p.provolatile = 'v' OR p.procost >= 100)
ORDER BY 1, 2, 3;
