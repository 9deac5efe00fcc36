SELECT id, product_id, title
FROM reviews
WHERE title LIKE '%turquoise%'
