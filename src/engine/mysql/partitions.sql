-- Partitions in their order. MySQL 8.0+, MariaDB 10.6+. https://dev.mysql.com/doc/refman/8.4/en/information-schema-partitions-table.html
SELECT CAST(p.TABLE_SCHEMA AS CHAR) AS table_schema, CAST(p.TABLE_NAME AS CHAR) AS table_name,
       CAST(COALESCE(p.PARTITION_METHOD, '') AS CHAR) AS method, CAST(COALESCE(p.PARTITION_EXPRESSION, '') AS CHAR) AS expression,
       CAST(p.PARTITION_NAME AS CHAR) AS name
FROM information_schema.PARTITIONS p
WHERE p.PARTITION_NAME IS NOT NULL AND COALESCE(p.SUBPARTITION_ORDINAL_POSITION, 1) = 1
  AND p.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
ORDER BY p.TABLE_SCHEMA, p.TABLE_NAME, p.PARTITION_ORDINAL_POSITION;
