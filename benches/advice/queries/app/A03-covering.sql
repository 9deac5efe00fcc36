SELECT user_id, sum(total_cents) AS spent
FROM orders
WHERE placed_at >= '2025-11-15'
GROUP BY user_id
ORDER BY spent DESC
LIMIT 20
