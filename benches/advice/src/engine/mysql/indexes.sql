SELECT s.table_name, s.index_name,
       COALESCE(MAX(CAST(i.stat_value AS SIGNED)) * @@innodb_page_size, 0) AS bytes
FROM information_schema.statistics AS s
LEFT JOIN mysql.innodb_index_stats AS i
  ON i.database_name = s.table_schema AND i.table_name = s.table_name
  AND i.index_name = s.index_name AND i.stat_name = 'size'
WHERE s.table_schema = DATABASE() AND s.index_name <> 'PRIMARY'
GROUP BY s.table_name, s.index_name
