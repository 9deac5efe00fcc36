SELECT id, user_id, placed_at
FROM orders
WHERE (placed_at, id) < ('2025-03-01 00:00:00', 250000)
ORDER BY placed_at DESC, id DESC
LIMIT 50
