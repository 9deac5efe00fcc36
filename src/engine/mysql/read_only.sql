-- Back from read_write.sql. MySQL 8.0+, MariaDB 10.6+. https://dev.mysql.com/doc/refman/8.4/en/commit.html
ROLLBACK;
SET SESSION TRANSACTION READ ONLY;
START TRANSACTION READ ONLY;
