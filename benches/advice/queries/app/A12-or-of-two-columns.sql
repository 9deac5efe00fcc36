SELECT id, user_id, placed_at
FROM orders
WHERE coupon_code = 'SPRING-77' OR tracking_no = 'TRK0004242424'
