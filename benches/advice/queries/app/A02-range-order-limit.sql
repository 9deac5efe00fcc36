SELECT id, user_id, session_id, occurred_at
FROM events
WHERE type = 'signup' AND occurred_at >= '2025-03-01'
ORDER BY occurred_at DESC
LIMIT 50
