-- Whether any of these functions is not the server's own. PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-proc.html
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname <> 'pg_catalog' AND lower(p.proname) = ANY($1::text[])
);
