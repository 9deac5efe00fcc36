-- Columns of tables, with generated ones; a view is asked by itself, for a broken one would fail all. SQLite 3.37+. https://www.sqlite.org/pragma.html#pragma_table_xinfo
SELECT l.name AS table_name, c.name AS name, c.type AS data_type, c."notnull" AS not_null, c.dflt_value AS default_value,
       c.pk AS key_position, c.hidden AS hidden
FROM pragma_table_list l, pragma_table_xinfo(l.name) c
WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND c.hidden <> 1
ORDER BY l.name, c.cid;
