-- Tables, views and foreign tables; partitions and inheritance children only as children of their parent.
-- PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-class.html
-- Sizes need a lock on the table: one that somebody locks exclusively is left without, rather than waited for.
WITH locked AS MATERIALIZED (
  SELECT l.relation FROM pg_catalog.pg_locks l
  WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid()
), children AS (
  SELECT i.inhparent,
         array_agg(n.nspname || '.' || c.relname ORDER BY n.nspname, c.relname) AS names,
         sum(GREATEST(c.reltuples, 0))::int8 AS rows,
         sum(CASE WHEN c.oid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_total_relation_size(c.oid) END)::int8 AS size_bytes
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f')
  GROUP BY i.inhparent
)
SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       COALESCE(pg_catalog.obj_description(c.oid, 'pg_class'), '') AS comment,
       CASE WHEN c.relkind = 'p' THEN COALESCE(pg_catalog.pg_get_partkeydef(c.oid), '') ELSE '' END AS partitioned_by,
       COALESCE(children.names, '{}')::text[] AS children,
       CASE WHEN c.relkind IN ('v') THEN NULL
            WHEN c.reltuples < 0 AND children.names IS NULL THEN NULL
            ELSE (GREATEST(c.reltuples, 0)::int8 + CASE WHEN c.relkind = 'p' AND c.reltuples > 0 THEN 0 ELSE COALESCE(children.rows, 0) END) END AS rows,
       CASE WHEN c.relkind IN ('r', 'm', 'p') AND c.oid NOT IN (SELECT relation FROM locked)
            THEN pg_catalog.pg_total_relation_size(c.oid) + COALESCE(children.size_bytes, 0) END AS size_bytes,
       CASE WHEN c.relkind IN ('r', 'm') THEN c.relpages::int8 * pg_catalog.current_setting('block_size')::int8 END AS heap_bytes,
       s.n_mod_since_analyze AS changed_rows, c.relrowsecurity AS row_security,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - GREATEST(s.last_analyze, s.last_autoanalyze))::int8 AS stats_age_s,
       CASE WHEN s.n_tup_upd > 0 THEN s.n_tup_hot_upd::float8 / s.n_tup_upd END AS hot_update_share,
       COALESCE(triggers.names, '{}') AS trigger_names, COALESCE(triggers.definitions, '{}') AS trigger_definitions
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN children ON children.inhparent = c.oid
LEFT JOIN LATERAL (
  SELECT array_agg(t.tgname::text ORDER BY t.tgname) AS names, array_agg(pg_catalog.pg_get_triggerdef(t.oid) ORDER BY t.tgname) AS definitions
  FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
) triggers ON true
LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
