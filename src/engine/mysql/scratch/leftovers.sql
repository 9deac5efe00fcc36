-- Scratch databases of ours whose owner is gone: it held a lock by the name of the first. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
SELECT CAST(SCHEMA_NAME AS CHAR) AS name
FROM information_schema.SCHEMATA
WHERE SCHEMA_NAME REGEXP '^database_ops_scratch_[0-9]+_[0-9]+(_[0-9]+)?$'
  AND IS_FREE_LOCK(REGEXP_SUBSTR(SCHEMA_NAME, '^database_ops_scratch_[0-9]+_[0-9]+')) = 1
ORDER BY name;
