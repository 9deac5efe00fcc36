-- Sizes of InnoDB's indexes; needs SELECT on the table. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/innodb-persistent-stats.html
SELECT CAST(database_name AS CHAR) AS table_schema, CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(table_name, '#P#', 1), '#p#', 1) AS CHAR) AS table_name,
       CAST(index_name AS CHAR) AS name, CAST(SUM(stat_value) * @@innodb_page_size AS SIGNED) AS size_bytes
FROM mysql.innodb_index_stats
WHERE stat_name = 'size'
GROUP BY 1, 2, 3;
