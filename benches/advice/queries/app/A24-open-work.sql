SELECT id, type, occurred_at
FROM events
WHERE processed = 0
ORDER BY id
LIMIT 500
