-- What is added when the rows are there. $3: rows may lack their parents, so a key to them binds new rows only.
-- PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-constraint.html
SELECT kind, name, sql FROM (
  SELECT CASE k.contype WHEN 'p' THEN 1 WHEN 'u' THEN 2 WHEN 'x' THEN 3 WHEN 'c' THEN 4 ELSE 7 END AS rank, 'constraint' AS kind,
         k.conrelid::regclass::text || '.' || k.conname AS name,
         format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_catalog.pg_get_constraintdef(k.oid))
         || CASE WHEN k.contype = 'f' AND k.convalidated AND $3 THEN ' NOT VALID' ELSE '' END AS sql
  FROM chosen JOIN pg_catalog.pg_constraint k ON k.conrelid = chosen.oid
  WHERE k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0 AND k.conislocal
    AND (k.contype <> 'f' OR k.confrelid IN (SELECT oid FROM chosen))
  UNION ALL
  SELECT 5, 'index', i.indexrelid::regclass::text,
         CASE c.relkind WHEN 'I' THEN replace(pg_catalog.pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') ELSE pg_catalog.pg_get_indexdef(i.indexrelid) END
  FROM chosen JOIN pg_catalog.pg_index i ON i.indrelid = chosen.oid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  WHERE i.indisvalid AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
  UNION ALL
  SELECT 6, 'statistics', s.stxname::text, pg_catalog.pg_get_statisticsobjdef(s.oid)
  FROM chosen JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = chosen.oid
  UNION ALL
  SELECT 8, 'sequence', d.objid::regclass::text, format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, d.refobjid::regclass, a.attname)
  FROM chosen
  JOIN pg_catalog.pg_depend d ON d.refobjid = chosen.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
   AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'a' AND d.refobjsubid > 0
  JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  UNION ALL
  SELECT 9, 'sequence', a.attrelid::regclass::text || '.' || a.attname,
         format('SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%L, %L), max(%I)) FROM %s HAVING max(%I) > 0',
                a.attrelid::regclass, a.attname, a.attname, a.attrelid::regclass, a.attname)
  FROM chosen
  JOIN pg_catalog.pg_attribute a ON a.attrelid = chosen.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_class c ON c.oid = chosen.oid AND NOT c.relispartition
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attidentity <> '' OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'
  UNION ALL
  -- The functions of triggers are not copied; what stands in for them changes no row.
  SELECT 10, 'function', p.oid::regproc::text,
         format('CREATE OR REPLACE FUNCTION %I.%I() RETURNS trigger LANGUAGE plpgsql AS %L', n.nspname, p.proname, 'BEGIN RETURN COALESCE(NEW, OLD); END')
  FROM chosen
  JOIN pg_catalog.pg_trigger t ON t.tgrelid = chosen.oid AND NOT t.tgisinternal
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname <> 'pg_catalog'
  UNION ALL
  SELECT 11, 'trigger', t.tgname::text, pg_catalog.pg_get_triggerdef(t.oid)
  FROM chosen JOIN pg_catalog.pg_trigger t ON t.tgrelid = chosen.oid AND NOT t.tgisinternal
  JOIN pg_catalog.pg_class c ON c.oid = chosen.oid AND NOT c.relispartition
  UNION ALL
  SELECT 12, 'view', n.nspname || '.' || c.relname,
         format('CREATE %s %I.%I AS %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname, pg_catalog.pg_get_viewdef(c.oid))
  FROM unnest($1::text[], $2::text[]) AS w(schema, name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('v', 'm')
) AS added
ORDER BY rank, name, sql;
