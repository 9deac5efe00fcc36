-- Who answers, and where unqualified names are looked up. PostgreSQL 13+.
SELECT pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_setting('search_path') AS search_path,
       COALESCE(pg_catalog.current_schema()::text, 'public') AS default_schema;
