-- Where pg_stat_statements is, and from when on indexes are counted. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT (SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements') AS schema,
       COALESCE((SELECT pg_catalog.to_char(d.stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
                 FROM pg_catalog.pg_stat_database d WHERE d.datname = pg_catalog.current_database()), '') AS since;
