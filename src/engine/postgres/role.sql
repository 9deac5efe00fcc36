-- What the role may do beyond reading. PostgreSQL 13+. https://www.postgresql.org/docs/current/predefined-roles.html
SELECT CURRENT_USER::text AS name, pg_catalog.current_database()::text AS database,
       pg_catalog.array_remove(ARRAY[
         CASE WHEN r.rolsuper THEN 'is a superuser' END,
         CASE WHEN r.rolcreaterole AND NOT r.rolsuper THEN 'may create roles' END,
         CASE WHEN r.rolcreatedb AND NOT r.rolsuper THEN 'may create databases' END,
         CASE WHEN r.rolreplication AND NOT r.rolsuper THEN 'may replicate' END,
         CASE WHEN NOT r.rolsuper AND EXISTS (
           SELECT FROM pg_catalog.pg_roles g
           WHERE g.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files')
             AND pg_catalog.pg_has_role(r.oid, g.oid, 'USAGE')) THEN 'may reach the files or programs of the server' END,
         CASE WHEN NOT r.rolsuper AND EXISTS (
           SELECT FROM pg_catalog.pg_class c
           WHERE c.relkind IN ('r', 'p', 'v', 'f') AND c.oid >= 16384
             AND c.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname LIKE 'pg\_%')
             AND (pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')
                  OR pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                  OR pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE'))) THEN 'may write to tables' END,
         CASE WHEN NOT r.rolsuper AND EXISTS (
           SELECT FROM pg_catalog.pg_class c
           -- It fails on anything else, and conditions are looked at in any order.
           WHERE c.oid >= 16384
             AND CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'USAGE, UPDATE') ELSE false END) THEN 'may move sequences on' END,
         -- What PUBLIC may create is no matter of this role: before 15 that was the default.
         CASE WHEN NOT r.rolsuper AND (
           pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') OR EXISTS (
             SELECT FROM pg_catalog.pg_namespace n
             WHERE n.nspname NOT LIKE 'pg\_%' AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
               AND NOT pg_catalog.has_schema_privilege('public', n.oid, 'CREATE'))) THEN 'may create objects' END
       ], NULL) AS excess
FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER;
