-- Open InnoDB transactions; connection 0 is one without a session: prepared, or recovered. Needs PROCESS. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/information-schema-innodb-trx-table.html
SELECT CAST(t.trx_mysql_thread_id AS CHAR) AS id, CAST(t.trx_state AS CHAR) AS state,
       CAST(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS SIGNED) AS age_s,
       CAST(TIMESTAMPDIFF(SECOND, t.trx_wait_started, NOW()) AS SIGNED) AS wait_s,
       CAST(t.trx_rows_modified AS SIGNED) AS rows_modified
FROM information_schema.INNODB_TRX t
WHERE t.trx_mysql_thread_id <> CONNECTION_ID()
ORDER BY t.trx_started
LIMIT 2000;
