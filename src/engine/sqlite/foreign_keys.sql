-- Foreign keys, a row for each column; `id` joins those of one key. https://www.sqlite.org/pragma.html#pragma_foreign_key_list
SELECT l.name AS table_name, k.id AS id, k."table" AS referenced_table, k."from" AS column_name, k."to" AS referenced_column,
       k.on_update AS on_update, k.on_delete AS on_delete
FROM pragma_table_list l, pragma_foreign_key_list(l.name) k
WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY l.name, k.id, k.seq;
