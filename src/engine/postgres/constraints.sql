-- Primary, unique and foreign keys and checks. A composite key is one row. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/catalog-pg-constraint.html
-- conparentid: a foreign key to a partitioned table has a shadow for each partition; only the one that was declared counts.
WITH locked AS MATERIALIZED (
  SELECT l.relation FROM pg_catalog.pg_locks l
  WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid()
)
SELECT k.conrelid::int8 AS oid, k.contype::text AS kind, k.conname::text AS name, k.convalidated AS validated,
       COALESCE((SELECT array_agg(a.attname::text ORDER BY u.position)
                 FROM unnest(k.conkey) WITH ORDINALITY AS u(number, position)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number), '{}') AS columns,
       COALESCE(rn.nspname::text, '') AS referenced_schema, COALESCE(r.relname::text, '') AS referenced_table,
       COALESCE((SELECT array_agg(a.attname::text ORDER BY u.position)
                 FROM unnest(k.confkey) WITH ORDINALITY AS u(number, position)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number), '{}') AS referenced_columns,
       k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update,
       CASE WHEN k.contype = 'c' AND k.conrelid NOT IN (SELECT relation FROM locked)
            THEN COALESCE(pg_catalog.pg_get_expr(k.conbin, k.conrelid), '') ELSE '' END AS expression
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c') AND k.conparentid = 0
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)';
