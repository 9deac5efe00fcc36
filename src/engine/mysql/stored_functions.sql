-- Views and stored functions by bare name: planning may run what they hold. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/information-schema-routines-table.html
SELECT CAST(LOWER(ROUTINE_NAME) AS CHAR) AS name, 'function' AS kind FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION'
UNION
SELECT CAST(LOWER(TABLE_NAME) AS CHAR), 'view' FROM information_schema.VIEWS;
