SELECT id, occurred_at
FROM events
WHERE json_value(payload, '$.utm') = 'partner-777'
