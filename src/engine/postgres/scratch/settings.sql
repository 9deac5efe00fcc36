-- How the live server's planner is set, where that is not how it comes. PostgreSQL 13+.
-- https://www.postgresql.org/docs/current/runtime-config-query.html
SELECT s.name, s.setting FROM pg_catalog.pg_settings s
WHERE s.source <> 'default'
  AND (s.category LIKE 'Query Tuning%' OR s.name IN ('work_mem', 'hash_mem_multiplier', 'default_statistics_target'))
  AND s.context IN ('user', 'superuser') AND s.name <> 'jit'
ORDER BY s.name;
