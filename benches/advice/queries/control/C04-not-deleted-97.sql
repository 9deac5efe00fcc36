SELECT * FROM orders WHERE deleted_at IS NULL
