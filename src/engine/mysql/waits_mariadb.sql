-- Waits for InnoDB's row and table locks. Needs PROCESS. MariaDB 10.6+.
-- https://mariadb.com/kb/en/information-schema-innodb_lock_waits-table/
SELECT CAST(r.trx_mysql_thread_id AS CHAR) AS waiter, CAST(NULLIF(b.trx_mysql_thread_id, 0) AS CHAR) AS blocker,
       -- It names those ahead in the queue too; of them the lock is the one that they wait for themselves.
       CASE WHEN b.trx_requested_lock_id = w.blocking_lock_id THEN 'queued_ahead' ELSE 'holds' END AS relation_kind,
       CASE rl.lock_type WHEN 'RECORD' THEN 'row' ELSE 'table' END AS lock_kind,
       CAST(COALESCE(rl.lock_mode, '') AS CHAR) AS wanted_mode, CAST(COALESCE(bl.lock_mode, '') AS CHAR) AS blocker_mode,
       CAST(REPLACE(COALESCE(rl.lock_table, ''), '`', '') AS CHAR) AS object, CAST(COALESCE(rl.lock_index, '') AS CHAR) AS index_name,
       CAST(COALESCE(rl.lock_data, '') AS CHAR) AS lock_data,
       CAST(TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()) AS SIGNED) AS wait_s, '' AS took_it
FROM information_schema.INNODB_LOCK_WAITS w
JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id
LEFT JOIN information_schema.INNODB_LOCKS rl ON rl.lock_id = w.requested_lock_id
LEFT JOIN information_schema.INNODB_LOCKS bl ON bl.lock_id = w.blocking_lock_id
ORDER BY relation_kind, wait_s DESC
LIMIT 1000;
