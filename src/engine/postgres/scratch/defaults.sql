-- Defaults, each by itself: one may call a function that is not copied. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/catalog-pg-attrdef.html
SELECT 'default' AS kind, d.adrelid::regclass::text || '.' || a.attname AS name,
       format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', d.adrelid::regclass, a.attname, pg_catalog.pg_get_expr(d.adbin, d.adrelid)) AS sql
FROM chosen
JOIN pg_catalog.pg_attrdef d ON d.adrelid = chosen.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE a.attgenerated = '' AND NOT a.attisdropped
ORDER BY 2;
