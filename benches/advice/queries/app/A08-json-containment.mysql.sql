SELECT id, occurred_at
FROM events
WHERE CAST(payload ->> '$.utm' AS CHAR(40)) COLLATE utf8mb4_bin = 'partner-777'
