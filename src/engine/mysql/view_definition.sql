-- The query of a view; empty without the right SHOW VIEW. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/information-schema-views-table.html
SELECT CAST(COALESCE(VIEW_DEFINITION, '') AS CHAR) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?;
