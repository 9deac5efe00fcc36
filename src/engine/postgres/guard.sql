-- The guarded session. PostgreSQL 13+. https://www.postgresql.org/docs/current/sql-set-transaction.html
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL statement_timeout = '5s';
SET LOCAL lock_timeout = '1s';
SET LOCAL idle_in_transaction_session_timeout = '60s';
SET LOCAL standard_conforming_strings = on;
-- Our own catalog queries are short; the user's statements get the server's setting back.
SET LOCAL jit = off;
SET LOCAL client_min_messages = 'error';
SET LOCAL DateStyle = 'ISO';
SET LOCAL IntervalStyle = 'postgres';
