-- Columns in their order. MySQL 8.0+, MariaDB 10.6+. https://dev.mysql.com/doc/refman/8.4/en/information-schema-columns-table.html
SELECT CAST(c.TABLE_SCHEMA AS CHAR) AS table_schema, CAST(c.TABLE_NAME AS CHAR) AS table_name,
       CAST(c.COLUMN_NAME AS CHAR) AS name, CAST(c.COLUMN_TYPE AS CHAR) AS column_type, CAST(c.DATA_TYPE AS CHAR) AS data_type,
       CAST(c.IS_NULLABLE AS CHAR) AS nullable, CAST(c.COLUMN_DEFAULT AS CHAR) AS default_value, CAST(c.EXTRA AS CHAR) AS extra,
       CAST(COALESCE(c.GENERATION_EXPRESSION, '') AS CHAR) AS generation, CAST(c.COLUMN_COMMENT AS CHAR) AS comment,
       CAST(COALESCE(c.COLLATION_NAME, '') AS CHAR) AS collation_name
FROM information_schema.COLUMNS c
WHERE c.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION;
