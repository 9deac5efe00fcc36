-- Columns of which the engine-independent statistics hold a histogram; needs SELECT on the table. MariaDB 10.6+.
-- https://mariadb.com/kb/en/mysqlcolumn_stats-table/
SELECT CAST(db_name AS CHAR) AS table_schema, CAST(table_name AS CHAR) AS table_name, CAST(column_name AS CHAR) AS name
FROM mysql.column_stats WHERE hist_size > 0;
