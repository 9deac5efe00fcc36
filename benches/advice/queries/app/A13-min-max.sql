SELECT min(occurred_at), max(occurred_at)
FROM events
WHERE type = 'refund'
