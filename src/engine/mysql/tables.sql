-- Tables and views. MySQL 8.0+, MariaDB 10.6+. https://dev.mysql.com/doc/refman/8.4/en/information-schema-tables-table.html
SELECT CAST(t.TABLE_SCHEMA AS CHAR) AS table_schema, CAST(t.TABLE_NAME AS CHAR) AS table_name,
       CAST(t.TABLE_TYPE AS CHAR) AS kind, CAST(COALESCE(t.TABLE_COLLATION, '') AS CHAR) AS collation_name,
       CAST(t.TABLE_ROWS AS SIGNED) AS row_count, CAST(t.DATA_LENGTH + t.INDEX_LENGTH AS SIGNED) AS size_bytes,
       CAST(CASE WHEN t.TABLE_TYPE LIKE '%VIEW' THEN '' ELSE t.TABLE_COMMENT END AS CHAR) AS comment
FROM information_schema.TABLES t
WHERE t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
  AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW');
