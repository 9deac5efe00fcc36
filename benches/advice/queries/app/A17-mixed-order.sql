SELECT id, product_id, rating, created_at
FROM reviews
ORDER BY rating ASC, created_at DESC
LIMIT 20
