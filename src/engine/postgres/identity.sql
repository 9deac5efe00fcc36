-- Who answers, where unqualified names are looked up, and by what the session is known. PostgreSQL 13+.
SELECT pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_setting('search_path') AS search_path,
       pg_catalog.current_setting('jit') AS jit,
       COALESCE(pg_catalog.current_schema()::text, 'public') AS default_schema,
       pg_catalog.pg_backend_pid() AS pid,
       COALESCE((SELECT pg_catalog.date_part('epoch', a.backend_start)::text FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()), '') AS started;
