-- Tables and views; shadow tables of virtual ones are left out. SQLite 3.37+. https://www.sqlite.org/pragma.html#pragma_table_list
SELECT l.name AS name, l.type AS kind, COALESCE(m.sql, '') AS definition, l.wr AS without_rowid
FROM pragma_table_list l
LEFT JOIN sqlite_schema m ON m.type IN ('table', 'view') AND m.name = l.name
WHERE l.schema = 'main' AND l.type <> 'shadow' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY l.name;
