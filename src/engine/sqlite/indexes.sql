-- Indexes, a row for each key. https://www.sqlite.org/pragma.html#pragma_index_xinfo
SELECT l.name AS table_name, i.name AS name, i."unique" AS is_unique, i.origin AS origin, i.partial AS partial,
       x.cid AS column_number, x.name AS column_name, x."desc" AS descending, COALESCE(m.sql, '') AS definition
FROM pragma_table_list l, pragma_index_list(l.name) i, pragma_index_xinfo(i.name) x
LEFT JOIN sqlite_schema m ON m.type = 'index' AND m.name = i.name
WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND x.key = 1
ORDER BY l.name, i.name, x.seqno;
