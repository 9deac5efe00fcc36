-- Metadata locks on tables that sessions hold. Needs SELECT on performance_schema. MySQL 8.0+.
-- https://dev.mysql.com/doc/refman/8.4/en/performance-schema-metadata-locks-table.html
SELECT DISTINCT CAST(t.PROCESSLIST_ID AS CHAR) AS id, CAST(m.LOCK_TYPE AS CHAR) AS mode,
       CAST(CONCAT(m.OBJECT_SCHEMA, '.', m.OBJECT_NAME) AS CHAR) AS object
FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
WHERE m.OBJECT_TYPE = 'TABLE' AND m.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID <> CONNECTION_ID()
  AND m.OBJECT_SCHEMA NOT IN ('performance_schema', 'mysql', 'information_schema', 'sys')
  AND m.OBJECT_NAME NOT LIKE '#sql%'
ORDER BY 1, 3, 2
LIMIT 5000;
