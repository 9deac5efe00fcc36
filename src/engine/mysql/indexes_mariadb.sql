-- Indexes, a row for each key. MariaDB 10.6+. https://mariadb.com/kb/en/information-schema-statistics-table/
SELECT CAST(s.TABLE_SCHEMA AS CHAR) AS table_schema, CAST(s.TABLE_NAME AS CHAR) AS table_name, CAST(s.INDEX_NAME AS CHAR) AS name,
       CAST(s.NON_UNIQUE AS SIGNED) AS non_unique, CAST(s.COLUMN_NAME AS CHAR) AS column_name, CAST(NULL AS CHAR) AS expression,
       CAST(s.COLLATION AS CHAR) AS direction, CAST(s.SUB_PART AS SIGNED) AS prefix, CAST(s.INDEX_TYPE AS CHAR) AS method,
       CASE s.IGNORED WHEN 'YES' THEN 'NO' ELSE 'YES' END AS usable
FROM information_schema.STATISTICS s
WHERE s.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
ORDER BY s.TABLE_SCHEMA, s.TABLE_NAME, s.INDEX_NAME, s.SEQ_IN_INDEX;
