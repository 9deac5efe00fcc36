-- What tables are made of. PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-type.html
WITH own AS (
  SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
), not_own AS (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
)
SELECT kind, name, sql FROM (
  SELECT 1 AS rank, 0::oid AS oid, 'schema' AS kind, nspname::text AS name, format('CREATE SCHEMA IF NOT EXISTS %I', nspname) AS sql
  FROM own WHERE ('pg_catalog.pg_namespace'::regclass, own.oid) NOT IN (SELECT classid, objid FROM not_own)
  UNION ALL
  SELECT 2, e.oid, 'extension', e.extname::text, format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I', e.extname, n.nspname)
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname <> 'plpgsql'
  UNION ALL
  SELECT 3, t.oid, 'type', own.nspname || '.' || t.typname,
         format('CREATE TYPE %I.%I AS ENUM (%s)', own.nspname, t.typname,
                (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid))
  FROM pg_catalog.pg_type t JOIN own ON own.oid = t.typnamespace
  WHERE t.typtype = 'e' AND ('pg_catalog.pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM not_own)
  UNION ALL
  SELECT 4, t.oid, 'type', own.nspname || '.' || t.typname,
         format('CREATE TYPE %I.%I AS (%s)', own.nspname, t.typname,
                (SELECT string_agg(format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
  FROM pg_catalog.pg_type t JOIN own ON own.oid = t.typnamespace JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE t.typtype = 'c' AND c.relkind = 'c' AND ('pg_catalog.pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM not_own)
  UNION ALL
  SELECT 4, t.oid, 'domain', own.nspname || '.' || t.typname,
         format('CREATE DOMAIN %I.%I AS %s%s%s %s', own.nspname, t.typname, pg_catalog.format_type(t.typbasetype, t.typtypmod),
                COALESCE(' DEFAULT ' || t.typdefault, ''), CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END,
                (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname)
                 FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
  FROM pg_catalog.pg_type t JOIN own ON own.oid = t.typnamespace
  WHERE t.typtype = 'd' AND ('pg_catalog.pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM not_own)
  UNION ALL
  SELECT 5, c.oid, 'sequence', own.nspname || '.' || c.relname,
         format('CREATE SEQUENCE %I.%I AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s%s', own.nspname, c.relname,
                pg_catalog.format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
  FROM pg_catalog.pg_class c JOIN own ON own.oid = c.relnamespace JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('i', 'e'))
) AS made
ORDER BY rank, oid, name;
