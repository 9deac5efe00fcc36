-- Even a plain EXPLAIN of a statement that writes is refused in a read-only transaction (1792). MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/commit.html
ROLLBACK;
SET SESSION TRANSACTION READ WRITE;
START TRANSACTION;
