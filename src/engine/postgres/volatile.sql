-- Which of these functions may change something. PostgreSQL 13+. https://www.postgresql.org/docs/current/xfunc-volatility.html
SELECT DISTINCT n.nspname || '.' || p.proname
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.provolatile = 'v' AND lower(p.proname) = ANY($1::text[])
ORDER BY 1;
