-- Checks; that of a column bears the column's name. MariaDB 10.6+.
-- https://mariadb.com/kb/en/information-schema-check_constraints-table/
SELECT CAST(k.CONSTRAINT_SCHEMA AS CHAR) AS table_schema, CAST(k.TABLE_NAME AS CHAR) AS table_name, CAST(k.CONSTRAINT_NAME AS CHAR) AS name,
       CAST(k.CHECK_CLAUSE AS CHAR) AS expression, 'YES' AS enforced
FROM information_schema.CHECK_CONSTRAINTS k
WHERE k.CONSTRAINT_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema');
