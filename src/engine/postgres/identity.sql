-- Who answers, where the role's own names are looked up, and by what the session is known. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/view-pg-settings.html
SELECT pg_catalog.current_setting('server_version') AS version,
       (SELECT s.reset_val FROM pg_catalog.pg_settings s WHERE s.name = 'search_path') AS search_path,
       (SELECT s.reset_val FROM pg_catalog.pg_settings s WHERE s.name = 'jit') AS jit,
       pg_catalog.pg_backend_pid() AS pid,
       COALESCE((SELECT pg_catalog.date_part('epoch', a.backend_start)::text FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()), '') AS started;
