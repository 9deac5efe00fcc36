-- How often each index of the default schema was used. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/performance-schema-table-io-waits-summary-by-index-usage-table.html
SELECT CAST(OBJECT_SCHEMA AS CHAR), CAST(OBJECT_NAME AS CHAR), CAST(INDEX_NAME AS CHAR), CAST(COUNT_STAR AS SIGNED)
FROM performance_schema.table_io_waits_summary_by_index_usage
WHERE OBJECT_SCHEMA = ? AND INDEX_NAME IS NOT NULL
ORDER BY 1, 2, 3;
