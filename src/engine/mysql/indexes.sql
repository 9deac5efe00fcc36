-- Indexes, a row for each key. MySQL 8.0.13+. https://dev.mysql.com/doc/refman/8.4/en/information-schema-statistics-table.html
SELECT CAST(s.TABLE_SCHEMA AS CHAR) AS table_schema, CAST(s.TABLE_NAME AS CHAR) AS table_name, CAST(s.INDEX_NAME AS CHAR) AS name,
       CAST(s.NON_UNIQUE AS SIGNED) AS non_unique, CAST(s.COLUMN_NAME AS CHAR) AS column_name, CAST(s.EXPRESSION AS CHAR) AS expression,
       CAST(s.COLLATION AS CHAR) AS direction, CAST(s.SUB_PART AS SIGNED) AS prefix, CAST(s.INDEX_TYPE AS CHAR) AS method,
       CAST(s.IS_VISIBLE AS CHAR) AS usable
FROM information_schema.STATISTICS s
WHERE s.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
ORDER BY s.TABLE_SCHEMA, s.TABLE_NAME, s.INDEX_NAME, s.SEQ_IN_INDEX;
