SELECT id, user_id, total_cents, placed_at
FROM orders
WHERE ship_country = 'NZ' AND placed_at >= '2025-06-01' AND placed_at < '2025-07-01'
