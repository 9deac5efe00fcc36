SELECT count(DISTINCT user_id)
FROM events
WHERE type = 'purchase' AND occurred_at >= '2025-10-01'
