-- Every session but our own, with the table locks it holds. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
SELECT a.pid::text AS id, COALESCE(a.usename::text, '') AS user_name, COALESCE(a.application_name, '') AS application,
       COALESCE(host(a.client_addr), CASE WHEN a.backend_type = 'client backend' THEN 'local socket' ELSE '' END) AS client,
       COALESCE(a.state, '') AS state, COALESCE(a.backend_type, '') AS backend_type, COALESCE(a.query, '') AS query,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS transaction_age_s,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 AS state_age_s,
       COALESCE(held.locks, '{}')::text[] AS locks
FROM pg_catalog.pg_stat_activity a
LEFT JOIN LATERAL (
  SELECT array_agg(DISTINCT l.mode || ' ' || n.nspname || '.' || c.relname) AS locks
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
) held ON true
WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type IN ('client backend', 'autovacuum worker', 'walsender', 'parallel worker')
ORDER BY a.pid
LIMIT 2000;
