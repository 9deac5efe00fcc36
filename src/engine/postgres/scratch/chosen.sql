-- The wanted tables ($1 schemas, $2 names) with their partitions and children; parents have the lower level.
-- PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-inherits.html
WITH RECURSIVE down AS (
  SELECT c.oid, 0 AS level
  FROM unnest($1::text[], $2::text[]) AS w(schema, name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
  WHERE c.relkind IN ('r', 'p')
  UNION
  SELECT i.inhrelid, down.level + 1 FROM down JOIN pg_catalog.pg_inherits i ON i.inhparent = down.oid
), chosen AS (
  SELECT oid, max(level) AS level FROM down GROUP BY oid
)
