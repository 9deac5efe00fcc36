SELECT id, product_id
FROM reviews
WHERE to_tsvector('english', body) @@ to_tsquery('english', 'walnut')
