-- Every session but our own, with its last statement and the program that it says it is; sees what sessions.sql may not.
-- Needs SELECT on performance_schema. MySQL 8.0+. https://dev.mysql.com/doc/refman/8.4/en/performance-schema-threads-table.html
SELECT CAST(t.PROCESSLIST_ID AS CHAR) AS id, CAST(COALESCE(t.PROCESSLIST_USER, '') AS CHAR) AS user_name,
       CAST(COALESCE(t.PROCESSLIST_HOST, '') AS CHAR) AS client, CAST(COALESCE(t.PROCESSLIST_DB, '') AS CHAR) AS schema_name,
       CAST(t.PROCESSLIST_COMMAND AS CHAR) AS command, CAST(COALESCE(t.PROCESSLIST_STATE, '') AS CHAR) AS state,
       CAST(t.PROCESSLIST_TIME AS SIGNED) AS state_age_s,
       CAST(COALESCE(t.PROCESSLIST_INFO, LEFT(s.SQL_TEXT, 4000), '') AS CHAR) AS query,
       CAST(COALESCE((SELECT a.ATTR_VALUE FROM performance_schema.session_connect_attrs a
                      WHERE a.PROCESSLIST_ID = t.PROCESSLIST_ID AND a.ATTR_NAME = 'program_name' LIMIT 1), '') AS CHAR) AS application
FROM performance_schema.threads t
LEFT JOIN performance_schema.events_statements_current s ON s.THREAD_ID = t.THREAD_ID AND s.NESTING_EVENT_LEVEL = 0
WHERE t.NAME LIKE 'thread/%/one_connection' AND t.PROCESSLIST_ID <> CONNECTION_ID() AND t.PROCESSLIST_COMMAND IS NOT NULL
LIMIT 2000;
