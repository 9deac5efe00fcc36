-- Hides indexes of the copy from the planner until the transaction is rolled back; for a superuser of the scratch server.
-- PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-index.html
UPDATE pg_catalog.pg_index i SET indisvalid = false
FROM pg_catalog.pg_class c WHERE c.oid = i.indexrelid AND c.relname = ANY($1);
