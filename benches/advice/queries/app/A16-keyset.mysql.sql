SELECT id, user_id, placed_at
FROM orders
WHERE placed_at <= '2025-03-01 00:00:00' AND (placed_at < '2025-03-01 00:00:00' OR id < 250000)
ORDER BY placed_at DESC, id DESC
LIMIT 50
