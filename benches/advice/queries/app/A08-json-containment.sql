SELECT id, occurred_at
FROM events
WHERE payload @> '{"utm": "partner-777"}'
