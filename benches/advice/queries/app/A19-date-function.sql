SELECT id, user_id, ip
FROM sessions
WHERE date(started_at) = '2025-08-15'
