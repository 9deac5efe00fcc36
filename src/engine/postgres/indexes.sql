-- Indexes with their keys in order. PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-index.html
-- Expressions are written out under a lock on the table: where somebody holds or awaits it exclusively they are left out.
WITH locked AS MATERIALIZED (
  SELECT l.relation FROM pg_catalog.pg_locks l
  WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid()
)
SELECT i.indrelid::int8 AS oid, c.relname::text AS name, m.amname::text AS method, i.indisunique AS is_unique,
       i.indisprimary AS is_primary, (i.indisvalid AND i.indisready) AS valid,
       keys.names, keys.expressions, keys.descending, keys.included,
       CASE WHEN i.indpred IS NULL OR i.indrelid IN (SELECT relation FROM locked) THEN ''
            ELSE pg_catalog.pg_get_expr(i.indpred, i.indrelid) END AS predicate,
       c.relpages::int8 * pg_catalog.current_setting('block_size')::int8 AS size_bytes,
       s.idx_scan AS scans, CASE WHEN i.indrelid IN (SELECT relation FROM locked) THEN '' ELSE pg_catalog.pg_get_indexdef(i.indexrelid) END AS definition
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_stat_all_indexes s ON s.indexrelid = i.indexrelid
CROSS JOIN LATERAL (
  SELECT array_agg(COALESCE(a.attname::text, CASE WHEN i.indrelid IN (SELECT relation FROM locked) THEN 'expression' ELSE pg_catalog.pg_get_indexdef(i.indexrelid, u.position::int, true) END) ORDER BY u.position) AS names,
         array_agg(u.number = 0 ORDER BY u.position) AS expressions,
         array_agg(COALESCE((i.indoption[u.position - 1] & 1) = 1, false) ORDER BY u.position) AS descending,
         array_agg(u.position > i.indnkeyatts ORDER BY u.position) AS included
  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u(number, position)
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number AND u.number <> 0
) keys
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)';
