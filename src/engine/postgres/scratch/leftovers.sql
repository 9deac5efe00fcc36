-- Scratch databases of ours that nobody is connected to. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/view-pg-stat-activity.html
SELECT d.datname::text
FROM pg_catalog.pg_database d
WHERE d.datname ~ '^database_ops_scratch_[0-9]+_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)
ORDER BY d.datname;
