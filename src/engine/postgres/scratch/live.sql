-- How the live database keeps its text. PostgreSQL 13+. https://www.postgresql.org/docs/current/catalog-pg-database.html
SELECT pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding, COALESCE(d.datcollate::text, 'C') AS collate, COALESCE(d.datctype::text, 'C') AS ctype
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database();
