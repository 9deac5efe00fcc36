-- Ways of running that the optimizer may take. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/switchable-optimizations.html
SELECT CAST(@@SESSION.optimizer_switch AS CHAR) AS switches;
