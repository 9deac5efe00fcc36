SELECT u.id, r.product_id, r.rating
FROM users u
JOIN reviews r ON r.user_id = u.id
WHERE u.country = 'IS' AND u.plan = 'team'
