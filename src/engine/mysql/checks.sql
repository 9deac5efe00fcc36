-- Checks. MySQL 8.0.16+. https://dev.mysql.com/doc/refman/8.4/en/information-schema-check-constraints-table.html
SELECT CAST(t.TABLE_SCHEMA AS CHAR) AS table_schema, CAST(t.TABLE_NAME AS CHAR) AS table_name, CAST(k.CONSTRAINT_NAME AS CHAR) AS name,
       CAST(k.CHECK_CLAUSE AS CHAR) AS expression, CAST(t.ENFORCED AS CHAR) AS enforced
FROM information_schema.CHECK_CONSTRAINTS k
JOIN information_schema.TABLE_CONSTRAINTS t
  ON t.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND t.CONSTRAINT_TYPE = 'CHECK'
WHERE k.CONSTRAINT_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema');
