SELECT id, user_id, placed_at
FROM orders
WHERE tracking_no LIKE 'TRK0042%'
