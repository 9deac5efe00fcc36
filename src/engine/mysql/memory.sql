-- How much of its tables InnoDB keeps in memory. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/innodb-buffer-pool.html
SELECT CAST(@@GLOBAL.innodb_buffer_pool_size AS UNSIGNED) AS bytes;
