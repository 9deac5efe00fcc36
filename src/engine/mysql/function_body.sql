-- The body of a stored function. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/information-schema-routines-table.html
SELECT CAST(COALESCE(ROUTINE_DEFINITION, '') AS CHAR) FROM information_schema.ROUTINES
WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA = ? AND ROUTINE_NAME = ?;
