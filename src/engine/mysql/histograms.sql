-- Columns of which a histogram is kept. MySQL 8.0+.
-- https://dev.mysql.com/doc/refman/8.4/en/information-schema-column-statistics-table.html
SELECT CAST(SCHEMA_NAME AS CHAR) AS table_schema, CAST(TABLE_NAME AS CHAR) AS table_name, CAST(COLUMN_NAME AS CHAR) AS name
FROM information_schema.COLUMN_STATISTICS;
