-- Metadata locks that were granted; waits are not told. Needs the plugin. MariaDB 10.6+. https://mariadb.com/kb/en/metadata-lock-info-plugin/
SELECT DISTINCT CAST(m.THREAD_ID AS CHAR) AS id, CAST(m.LOCK_MODE AS CHAR) AS mode, CAST(m.LOCK_TYPE AS CHAR) AS kind,
       CAST(COALESCE(m.TABLE_SCHEMA, '') AS CHAR) AS table_schema, CAST(COALESCE(m.TABLE_NAME, '') AS CHAR) AS table_name
FROM information_schema.METADATA_LOCK_INFO m
WHERE m.THREAD_ID <> CONNECTION_ID()
ORDER BY 1, 4, 5, 2
LIMIT 5000;
