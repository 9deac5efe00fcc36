SELECT o.id, o.user_id
FROM orders o
WHERE o.status = 'paid' AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id)
