-- Whether the other queries can see anything: with one of these off they give no rows, and no error. MySQL 8.0+.
-- https://dev.mysql.com/doc/refman/8.4/en/performance-schema-startup-configuration.html
SELECT CAST(@@performance_schema AS SIGNED) AS instrumented,
       CAST(COALESCE((SELECT ENABLED FROM performance_schema.setup_instruments WHERE NAME = 'wait/lock/metadata/sql/mdl'), 'NO') AS CHAR) AS metadata;
