-- When InnoDB last gathered statistics; needs SELECT on the table. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/innodb-persistent-stats.html
SELECT CAST(database_name AS CHAR) AS table_schema, CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(table_name, '#P#', 1), '#p#', 1) AS CHAR) AS table_name,
       CAST(MIN(TIMESTAMPDIFF(SECOND, last_update, NOW())) AS SIGNED) AS age_s
FROM mysql.innodb_table_stats
GROUP BY 1, 2;
