-- The extensions that help to advise. PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-extension.html
SELECT (SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'hypopg') AS hypopg,
       EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_trgm') AS trigrams;
