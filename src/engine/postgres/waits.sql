-- Who waits for whom, with both lock modes and the object. PostgreSQL 13+ (waitstart from 14 on).
-- https://www.postgresql.org/docs/current/view-pg-locks.html, pg_blocking_pids() in functions-info.html
-- pg_blocking_pids() takes every partition of the lock manager: it is called for waiters only, once each.
-- Blocker 0 is a prepared transaction; its virtualtransaction is that of its original session, so it is found
-- through the transactionid lock of the same virtualtransaction.
WITH waiting AS MATERIALIZED (
  SELECT l.pid, l.locktype, l.mode, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid,
         l.classid, l.objid, l.objsubid, (pg_catalog.to_jsonb(l) ->> 'waitstart')::timestamptz AS waitstart
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  WHERE NOT l.granted AND a.datname = pg_catalog.current_database() -- other databases' sessions wait for other things
), blocking AS MATERIALIZED (
  SELECT w.pid AS waiter, b.pid AS blocker
  FROM (SELECT DISTINCT pid FROM waiting) w, LATERAL (SELECT DISTINCT u AS pid FROM unnest(pg_catalog.pg_blocking_pids(w.pid)) u) b
), edges AS (
  SELECT k.waiter, k.blocker, w.locktype, w.mode AS wanted_mode, w.waitstart, held.relation_kind, held.modes,
         COALESCE(w.relation, row_lock.relation) AS relation, COALESCE(w.page, row_lock.page) AS page,
         COALESCE(w.tuple, row_lock.tuple) AS tuple, COALESCE(w.database, row_lock.database) AS database,
         w.transactionid, w.classid, w.objid, w.objsubid
  FROM blocking k JOIN waiting w ON w.pid = k.waiter
  -- The table behind a wait for a transaction: the waiter keeps the row's heavyweight lock meanwhile.
  LEFT JOIN LATERAL (SELECT t.database, t.relation, t.page, t.tuple FROM pg_catalog.pg_locks t
                     WHERE t.pid = k.waiter AND t.locktype = 'tuple' AND t.granted LIMIT 1) row_lock ON true
  LEFT JOIN LATERAL (
    SELECT CASE WHEN bool_or(x.granted AND x.conflicts) THEN 'holds' WHEN count(*) FILTER (WHERE NOT x.granted) > 0 THEN 'queued_ahead'
                ELSE 'holds' END AS relation_kind,
           string_agg(DISTINCT x.mode, ', ' ORDER BY x.mode) AS modes
    FROM (SELECT g.mode, g.granted,
            CASE w.mode -- the conflict matrix of table-level locks, explicit-locking.html table 13.2
              WHEN 'AccessShareLock' THEN g.mode = 'AccessExclusiveLock'
              WHEN 'RowShareLock' THEN g.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
              WHEN 'RowExclusiveLock' THEN g.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
              WHEN 'ShareUpdateExclusiveLock' THEN g.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
              WHEN 'ShareLock' THEN g.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock')
              WHEN 'ShareRowExclusiveLock' THEN g.mode NOT IN ('AccessShareLock', 'RowShareLock')
              WHEN 'ExclusiveLock' THEN g.mode <> 'AccessShareLock' ELSE true END AS conflicts
          FROM pg_catalog.pg_locks g
          WHERE (g.pid = k.blocker OR k.blocker = 0 AND g.pid IS NULL
                 OR g.pid IN (SELECT s.pid FROM pg_catalog.pg_stat_activity s WHERE s.leader_pid = k.blocker))
            AND g.locktype = w.locktype
            AND (g.database, g.relation, g.page, g.tuple, g.virtualxid, g.transactionid::text, g.classid, g.objid, g.objsubid)
                IS NOT DISTINCT FROM
                (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid::text, w.classid, w.objid, w.objsubid)) x
  ) held ON true
)
SELECT e.waiter::text AS waiter,
       CASE WHEN e.blocker <> 0 THEN e.blocker::text ELSE COALESCE('prepared:' || px.gid, 'prepared:?') END AS blocker,
       COALESCE(e.relation_kind, 'holds') AS relation_kind, e.locktype AS lock, e.wanted_mode, COALESCE(e.modes, '') AS blocker_mode,
       COALESCE(n.nspname || '.' || c.relname,
                CASE e.locktype WHEN 'advisory' THEN 'advisory lock ' || CASE e.objsubid WHEN 1 THEN ((e.classid::bigint << 32) | e.objid::bigint)::text
                                     ELSE pg_catalog.format('(%s, %s)', e.classid, e.objid) END
                                WHEN 'transactionid' THEN 'transaction ' || e.transactionid
                                WHEN 'relation' THEN 'relation ' || e.relation ELSE e.locktype END) AS object,
       CASE WHEN e.tuple IS NOT NULL THEN pg_catalog.format('page %s, row %s', e.page, e.tuple) ELSE '' END AS row_place,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(e.waitstart, wa.state_change))::float8 AS wait_s,
       px.gid AS prepared_gid, px.owner::text AS prepared_owner,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - px.prepared)::float8 AS prepared_age_s
FROM edges e
LEFT JOIN pg_catalog.pg_stat_activity wa ON wa.pid = e.waiter
LEFT JOIN pg_catalog.pg_class c ON c.oid = e.relation AND e.database IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT p.gid, p.owner, p.prepared
  FROM pg_catalog.pg_locks pl
  JOIN pg_catalog.pg_locks tx ON tx.pid IS NULL AND tx.locktype = 'transactionid' AND tx.granted AND tx.virtualtransaction = pl.virtualtransaction
  JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = tx.transactionid
  WHERE e.blocker = 0 AND pl.pid IS NULL AND pl.granted AND pl.locktype = e.locktype
    AND CASE e.locktype WHEN 'transactionid' THEN pl.transactionid = e.transactionid
                        WHEN 'relation' THEN pl.relation = e.relation
                        WHEN 'tuple' THEN pl.relation = e.relation AND pl.page = e.page AND pl.tuple = e.tuple
                        WHEN 'advisory' THEN (pl.classid, pl.objid, pl.objsubid) = (e.classid, e.objid, e.objsubid) ELSE true END
  LIMIT 1) px ON true
ORDER BY e.waitstart NULLS LAST, e.waiter
LIMIT 1000;
