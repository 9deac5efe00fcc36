-- Ends a session of ours, told by when it began. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/functions-admin.html
SELECT pg_catalog.pg_terminate_backend(a.pid)
FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1 AND pg_catalog.date_part('epoch', a.backend_start)::text = $2;
