-- What ANALYZE gathered. SQLite 3.37+. https://www.sqlite.org/fileformat2.html#stat1tab
SELECT tbl, idx, CAST(stat AS TEXT) FROM sqlite_stat1 WHERE tbl IS NOT NULL AND stat IS NOT NULL ORDER BY tbl, idx;
