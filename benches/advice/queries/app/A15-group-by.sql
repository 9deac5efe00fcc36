SELECT product_id, count(*) AS items, sum(quantity) AS pieces
FROM order_items
WHERE product_id BETWEEN 100 AND 140
GROUP BY product_id
ORDER BY product_id
