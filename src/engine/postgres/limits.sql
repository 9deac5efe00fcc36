-- How long and how much, for this transaction; those settings that this version has and this role may set. $1 is in
-- milliseconds. PostgreSQL 13+, transaction_timeout 17+. https://www.postgresql.org/docs/current/runtime-config-client.html
SELECT pg_catalog.set_config(s.name, CASE s.name WHEN 'temp_file_limit' THEN '1GB' WHEN 'client_connection_check_interval' THEN '1s' WHEN 'transaction_timeout' THEN ($1::bigint + 1000)::text ELSE $1 END, true)
FROM pg_catalog.pg_settings s
WHERE s.name IN ('client_connection_check_interval', 'statement_timeout', 'transaction_timeout')
   OR s.name = 'temp_file_limit' AND (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER);
