-- What answers on scratch, and whether its role could reach out of the copy: what the live schema holds, such as a
-- check, is run there. PostgreSQL 13+. https://www.postgresql.org/docs/current/predefined-roles.html
SELECT pg_catalog.current_setting('server_version') AS version,
       EXISTS (SELECT FROM pg_catalog.pg_roles g
               WHERE g.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files')
                 AND pg_catalog.pg_has_role(CURRENT_USER, g.oid, 'USAGE')) AS reaches_out;
