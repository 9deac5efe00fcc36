SELECT * FROM orders WHERE status <> 'pending'
