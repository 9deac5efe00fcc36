-- Statements of the default schema by their digest, the costliest first. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/performance-schema-statement-summary-tables.html
SELECT CAST(DIGEST_TEXT AS CHAR), CAST(COUNT_STAR AS SIGNED), CAST(SUM_TIMER_WAIT / 1000000000 AS DOUBLE),
       CAST(SUM_ROWS_SENT + SUM_ROWS_AFFECTED AS SIGNED)
FROM performance_schema.events_statements_summary_by_digest
WHERE SCHEMA_NAME = ? AND DIGEST_TEXT IS NOT NULL
  AND (DIGEST_TEXT LIKE 'SELECT%' OR DIGEST_TEXT LIKE 'WITH%' OR DIGEST_TEXT LIKE 'UPDATE%' OR DIGEST_TEXT LIKE 'DELETE%'
       OR DIGEST_TEXT LIKE 'INSERT%' OR DIGEST_TEXT LIKE 'REPLACE%')
ORDER BY SUM_TIMER_WAIT DESC, DIGEST LIMIT 200;
