-- What stands behind these words and is planned with a statement: views, policies, index and default expressions,
-- checks, rules, domains; and functions that operators and casts call. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/catalogs.html
WITH RECURSIVE named AS (
  SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relname = ANY($1::text[]::name[]) AND c.oid >= 16384
  UNION
  SELECT i.inhrelid FROM named n JOIN pg_catalog.pg_inherits i ON i.inhparent = n.oid
), relation AS (
  SELECT c.* FROM named JOIN pg_catalog.pg_class c USING (oid)
), kind AS (
  -- Types of the users' own that a value in the statement can have.
  SELECT t.oid, t.typrelid, t.typelem, t.typbasetype, t.typarray FROM pg_catalog.pg_type t WHERE t.oid >= 16384 AND t.typname = ANY($1::text[]::name[])
  UNION
  SELECT t.oid, t.typrelid, t.typelem, t.typbasetype, t.typarray
  FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE t.oid >= 16384
  UNION
  SELECT t.oid, t.typrelid, t.typelem, t.typbasetype, t.typarray
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_type t ON t.oid = p.prorettype OR t.oid = ANY (COALESCE(p.proallargtypes, p.proargtypes::oid[])) WHERE p.proname = ANY($1::text[]::name[]) AND t.oid >= 16384
  UNION
  SELECT t.oid, t.typrelid, t.typelem, t.typbasetype, t.typarray
  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_type t ON t.oid = o.oprresult WHERE o.oprname = ANY($2::text[]::name[]) AND t.oid >= 16384
  UNION
  SELECT t.oid, t.typrelid, t.typelem, t.typbasetype, t.typarray
  FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_type t ON t.oid = c.casttarget
  WHERE c.oid >= 16384 AND c.castcontext = 'i' AND c.castsource < 16384 AND t.oid >= 16384
), parts AS (
  SELECT * FROM kind
  UNION
  SELECT t.oid, t.typrelid, t.typelem, t.typbasetype, t.typarray
  FROM parts k
  CROSS JOIN LATERAL (SELECT k.typelem UNION ALL SELECT k.typbasetype UNION ALL SELECT k.typarray
                      UNION ALL SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE g.rngtypid = k.oid
                      UNION ALL SELECT g.rngtypid FROM pg_catalog.pg_range g WHERE (pg_catalog.to_jsonb(g) ->> 'rngmultitypid')::oid = k.oid
                      UNION ALL SELECT c.casttarget FROM pg_catalog.pg_cast c WHERE c.castsource = k.oid AND c.oid >= 16384 AND c.castcontext <> 'e'
                      UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.typrelid) AS part(oid)
  JOIN pg_catalog.pg_type t ON t.oid = part.oid
  WHERE t.oid >= 16384
), acts AS (
  -- Functions that an operator, a cast or a type may hide: not those in C that an extension says only compute.
  SELECT p.oid, p.proname::text AS name FROM pg_catalog.pg_proc p
  WHERE CASE WHEN p.oid < 16384 THEN p.provolatile = 'v'
             ELSE NOT (p.provolatile <> 'v' AND p.prolang = 13
                       AND EXISTS (SELECT FROM pg_catalog.pg_depend d
                                   WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')) END
), operator AS (
  SELECT o.* FROM pg_catalog.pg_operator o
  WHERE o.oid >= 16384 AND o.oprname = ANY($2::text[]::name[])
    AND (o.oprleft < 16384 OR o.oprleft IN (SELECT oid FROM parts))
    AND (o.oprright < 16384 OR o.oprright IN (SELECT oid FROM parts))
)
SELECT 'view ' || relname AS what, pg_catalog.pg_get_viewdef(oid) AS code, false AS calls, '' AS elsewhere FROM relation WHERE relkind = 'v'
UNION ALL
SELECT 'policy ' || p.polname, pg_catalog.concat_ws(' ', pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)), false, ''
FROM relation r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid WHERE r.relrowsecurity
UNION ALL
SELECT 'index ' || i.indexrelid::regclass, pg_catalog.concat_ws(' ', pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid)), false, ''
FROM relation r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
UNION ALL
SELECT 'statistics ' || x.stxname, pg_catalog.pg_get_statisticsobjdef(x.oid), false, ''
FROM relation r JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = r.oid
UNION ALL
SELECT 'default of ' || r.relname, pg_catalog.pg_get_expr(d.adbin, d.adrelid), false, ''
FROM relation r JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE $3 OR a.attgenerated <> ''
UNION ALL
SELECT 'check of ' || r.relname, pg_catalog.pg_get_constraintdef(c.oid), false, ''
FROM relation r JOIN pg_catalog.pg_constraint c ON c.conrelid = r.oid AND c.contype = 'c'
UNION ALL
SELECT 'rule ' || w.rulename, pg_catalog.pg_get_ruledef(w.oid), false, ''
FROM relation r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
UNION ALL
SELECT 'partition key of ' || r.relname, pg_catalog.pg_get_partkeydef(r.oid), false, '' FROM relation r WHERE r.relkind = 'p'
UNION ALL
-- One of another server is read there when it is run; with estimates of its own, or an unknown wrapper, when it is planned.
SELECT 'foreign table ' || r.relname, '', false,
       CASE WHEN w.fdwname = 'file_fdw'
              OR w.fdwname = 'postgres_fdw' AND NOT EXISTS (
                   SELECT FROM pg_catalog.unnest(COALESCE(t.ftoptions, '{}') || COALESCE(s.srvoptions, '{}')) AS option
                   WHERE option LIKE 'use\_remote\_estimate=%' AND option <> 'use_remote_estimate=false')
            THEN 'run' ELSE 'plan' END
FROM relation r JOIN pg_catalog.pg_foreign_table t ON t.ftrelid = r.oid
JOIN pg_catalog.pg_foreign_server s ON s.oid = t.ftserver JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
UNION ALL
SELECT 'domain ' || t.typname, pg_catalog.concat_ws(' ', pg_catalog.pg_get_constraintdef(c.oid), pg_catalog.pg_get_expr(t.typdefaultbin, 0)), false, ''
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_constraint c ON c.contypid = t.oid
WHERE t.typtype = 'd' AND t.oid IN (SELECT oid FROM parts)
UNION ALL
SELECT 'type', a.name, true, ''
FROM pg_catalog.pg_range g JOIN acts a ON a.oid IN (g.rngcanonical::oid, g.rngsubdiff::oid) WHERE g.rngtypid IN (SELECT oid FROM parts)
UNION
SELECT 'operator class', a.name, true, ''
FROM (SELECT pg_catalog.unnest(i.indclass) AS oid FROM relation r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
      UNION SELECT pg_catalog.unnest(k.partclass) FROM relation r JOIN pg_catalog.pg_partitioned_table k ON k.partrelid = r.oid
      UNION SELECT o.oid FROM pg_catalog.pg_opclass o WHERE o.opcintype IN (SELECT oid FROM parts)
      UNION SELECT g.rngsubopc FROM pg_catalog.pg_range g WHERE g.rngtypid IN (SELECT oid FROM parts)) AS used
JOIN pg_catalog.pg_opclass c ON c.oid = used.oid
JOIN pg_catalog.pg_amproc m ON m.amprocfamily = c.opcfamily
JOIN acts a ON a.oid = m.amproc::oid
UNION
SELECT 'operator', a.name, true, ''
FROM (SELECT oprcode, oprcom, oprnegate FROM operator
      UNION SELECT n.oprcode, n.oprcom, n.oprnegate
      FROM operator o JOIN pg_catalog.pg_operator n ON n.oid IN (o.oprcom, o.oprnegate)) AS used
JOIN acts a ON a.oid = used.oprcode::oid
UNION
SELECT 'cast', a.name, true, ''
FROM pg_catalog.pg_cast c JOIN acts a ON a.oid = c.castfunc
WHERE c.oid >= 16384 AND (c.castsource < 16384 OR c.castsource IN (SELECT oid FROM parts)) AND (c.casttarget < 16384 OR c.casttarget IN (SELECT oid FROM parts))
ORDER BY 1, 2;
