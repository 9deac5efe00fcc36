SELECT o.id, o.placed_at, i.quantity
FROM order_items i
JOIN orders o ON o.id = i.order_id
WHERE i.product_id = 1234 AND o.placed_at >= '2025-09-01'
ORDER BY o.placed_at DESC
