-- Every session but our own; without PROCESS only those of our own account. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/information-schema-processlist-table.html
SELECT CAST(p.ID AS CHAR) AS id, CAST(COALESCE(p.USER, '') AS CHAR) AS user_name, CAST(COALESCE(p.HOST, '') AS CHAR) AS client,
       CAST(COALESCE(p.DB, '') AS CHAR) AS schema_name, CAST(p.COMMAND AS CHAR) AS command, CAST(COALESCE(p.STATE, '') AS CHAR) AS state,
       CAST(p.TIME AS SIGNED) AS state_age_s, CAST(COALESCE(p.INFO, '') AS CHAR) AS query
FROM information_schema.PROCESSLIST p
WHERE p.ID <> CONNECTION_ID() AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
ORDER BY p.ID
LIMIT 2000;
