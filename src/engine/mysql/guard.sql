-- The guarded session. MySQL 8.0+, MariaDB 10.6+. https://dev.mysql.com/doc/refman/8.4/en/set-transaction.html
-- SQL is parsed here before it is sent: modes that would make the server read it differently are taken out.
SET SESSION sql_mode = IF(FIND_IN_SET('ONLY_FULL_GROUP_BY', @@SESSION.sql_mode), 'ONLY_FULL_GROUP_BY', '');
SET SESSION lock_wait_timeout = 1;
SET SESSION innodb_lock_wait_timeout = 1;
SET SESSION group_concat_max_len = 1048576;
SET SESSION TRANSACTION READ ONLY;
START TRANSACTION READ ONLY;
