SELECT * FROM payments WHERE amount_cents > 4000
