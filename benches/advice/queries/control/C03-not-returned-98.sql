SELECT * FROM order_items WHERE returned_at IS NULL
