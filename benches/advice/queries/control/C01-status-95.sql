SELECT * FROM orders WHERE status = 'delivered'
