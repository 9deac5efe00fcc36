SELECT p.id, p.name, r.rating, r.created_at
FROM products p
JOIN reviews r ON r.id = (
  SELECT r2.id FROM reviews r2 WHERE r2.product_id = p.id ORDER BY r2.created_at DESC, r2.id DESC LIMIT 1)
WHERE p.category_id = 7
