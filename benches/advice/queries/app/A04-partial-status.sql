SELECT id, user_id, total_cents
FROM orders
WHERE status = 'pending' AND deleted_at IS NULL
ORDER BY placed_at
LIMIT 100
