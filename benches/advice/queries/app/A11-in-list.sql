SELECT id, order_id, state, amount_cents
FROM payments
WHERE order_id IN (17, 4711, 90210, 123456, 200001, 250000, 300303, 310310, 350035, 399999)
