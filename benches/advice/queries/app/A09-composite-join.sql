SELECT s.started_at, e.type, e.occurred_at
FROM sessions s
JOIN events e ON e.session_id = s.id AND e.user_id = s.user_id
WHERE s.user_id = 7920 AND s.started_at >= '2025-01-01'
ORDER BY e.occurred_at
