SELECT id, occurred_at
FROM events
WHERE json_extract(payload, '$.utm') = 'partner-777'
