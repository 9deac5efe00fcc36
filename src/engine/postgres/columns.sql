-- Columns of everything that tables.sql gives. PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-attribute.html
WITH locked AS MATERIALIZED (
  SELECT l.relation FROM pg_catalog.pg_locks l
  WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid()
)
SELECT a.attrelid::int8 AS oid, a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS data_type,
       NOT a.attnotnull AS nullable,
       CASE WHEN a.attrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS default_expression,
       a.attidentity::text AS identity, a.attgenerated::text AS generated,
       COALESCE(pg_catalog.col_description(a.attrelid, a.attnum), '') AS comment,
       CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation THEN COALESCE(co.collname::text, '') ELSE '' END AS collation,
       s.avg_width::int8 AS width,
       CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * GREATEST(c.reltuples, 0) ELSE NULLIF(s.n_distinct, 0) END::float8 AS distinct_values,
       s.null_frac::float8 AS nulls, s.correlation::float8 AS correlation
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY a.attrelid, a.attnum;
