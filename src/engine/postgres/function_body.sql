-- The body of a function that was written as BEGIN ATOMIC. PostgreSQL 14+.
-- https://www.postgresql.org/docs/current/functions-info.html
SELECT COALESCE(pg_catalog.pg_get_function_sqlbody($1::text::oid), '');
