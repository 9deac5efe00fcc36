-- Views, stored functions and tables of another server, by bare name: planning may run what they hold.
-- MySQL 8.0+, MariaDB 10.6+. https://dev.mysql.com/doc/refman/8.4/en/information-schema-routines-table.html
SELECT 'function' AS kind, CAST(ROUTINE_SCHEMA AS CHAR) AS in_schema, CAST(ROUTINE_NAME AS CHAR) AS name
FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION'
UNION ALL
SELECT 'view', CAST(TABLE_SCHEMA AS CHAR), CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES WHERE TABLE_TYPE = 'VIEW'
UNION ALL
SELECT 'remote table', CAST(TABLE_SCHEMA AS CHAR), CAST(TABLE_NAME AS CHAR)
FROM information_schema.TABLES WHERE ENGINE IN ('FEDERATED', 'CONNECT', 'SPIDER', 'S3')
ORDER BY 1, 2, 3;
