-- Waits for InnoDB's row and table locks. Needs PROCESS, and SELECT on performance_schema. MySQL 8.0+.
-- https://dev.mysql.com/doc/refman/8.4/en/performance-schema-data-lock-waits-table.html
-- The blocker comes from INNODB_TRX: the implicit lock of an INSERT is written down by the waiter, and then bears the waiter's thread.
-- data_lock_waits also names those who are ahead in the queue: only who was granted the lock holds it.
-- data_locks.EVENT_ID is the event after the statement that took the lock.
SELECT CAST(COALESCE(r.trx_mysql_thread_id, rt.PROCESSLIST_ID) AS CHAR) AS waiter,
       CAST(NULLIF(b.trx_mysql_thread_id, 0) AS CHAR) AS blocker,
       CASE WHEN bl.LOCK_STATUS = 'WAITING' THEN 'queued_ahead' ELSE 'holds' END AS relation_kind,
       CASE rl.LOCK_TYPE WHEN 'RECORD' THEN 'row' ELSE 'table' END AS lock_kind,
       CAST(rl.LOCK_MODE AS CHAR) AS wanted_mode, CAST(bl.LOCK_MODE AS CHAR) AS blocker_mode,
       CAST(CONCAT(rl.OBJECT_SCHEMA, '.', rl.OBJECT_NAME) AS CHAR) AS object,
       CAST(COALESCE(rl.INDEX_NAME, '') AS CHAR) AS index_name, CAST(COALESCE(rl.LOCK_DATA, '') AS CHAR) AS lock_data,
       CAST(COALESCE(TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()), rt.PROCESSLIST_TIME) AS SIGNED) AS wait_s,
       CAST(COALESCE(
         (SELECT LEFT(h.SQL_TEXT, 4000) FROM performance_schema.events_statements_history h
          WHERE h.THREAD_ID = bl.THREAD_ID AND bl.THREAD_ID = bt.THREAD_ID
            AND bl.EVENT_ID - 1 BETWEEN h.EVENT_ID AND h.END_EVENT_ID AND h.NESTING_EVENT_LEVEL = 0 LIMIT 1),
         (SELECT LEFT(h.SQL_TEXT, 4000) FROM performance_schema.events_statements_current h
          WHERE h.THREAD_ID = bl.THREAD_ID AND bl.THREAD_ID = bt.THREAD_ID
            AND h.END_EVENT_ID IS NULL AND bl.EVENT_ID - 1 >= h.EVENT_ID AND h.NESTING_EVENT_LEVEL = 0 LIMIT 1),
         '') AS CHAR) AS took_it
FROM performance_schema.data_lock_waits w
JOIN performance_schema.data_locks rl ON rl.ENGINE_LOCK_ID = w.REQUESTING_ENGINE_LOCK_ID AND rl.ENGINE = w.ENGINE
JOIN performance_schema.data_locks bl ON bl.ENGINE_LOCK_ID = w.BLOCKING_ENGINE_LOCK_ID AND bl.ENGINE = w.ENGINE
LEFT JOIN information_schema.INNODB_TRX r ON r.trx_id = CAST(w.REQUESTING_ENGINE_TRANSACTION_ID AS CHAR)
LEFT JOIN information_schema.INNODB_TRX b ON b.trx_id = CAST(w.BLOCKING_ENGINE_TRANSACTION_ID AS CHAR)
LEFT JOIN performance_schema.threads rt ON rt.THREAD_ID = w.REQUESTING_THREAD_ID
LEFT JOIN performance_schema.threads bt ON bt.PROCESSLIST_ID = b.trx_mysql_thread_id AND b.trx_mysql_thread_id <> 0
-- A transaction that is not there any more has ended since.
WHERE b.trx_id IS NOT NULL
ORDER BY relation_kind, wait_s DESC
LIMIT 1000;
