-- The last statement of each session, and the program that it says it is. Needs SELECT on performance_schema. MySQL 8.0+.
-- https://dev.mysql.com/doc/refman/8.4/en/performance-schema-events-statements-current-table.html
SELECT CAST(t.PROCESSLIST_ID AS CHAR) AS id, CAST(COALESCE(LEFT(s.SQL_TEXT, 4000), '') AS CHAR) AS query,
       CAST(COALESCE((SELECT a.ATTR_VALUE FROM performance_schema.session_connect_attrs a
                      WHERE a.PROCESSLIST_ID = t.PROCESSLIST_ID AND a.ATTR_NAME = 'program_name' LIMIT 1), '') AS CHAR) AS application
FROM performance_schema.threads t
LEFT JOIN performance_schema.events_statements_current s ON s.THREAD_ID = t.THREAD_ID AND s.NESTING_EVENT_LEVEL = 0
WHERE t.PROCESSLIST_ID <> CONNECTION_ID()
LIMIT 2000;
