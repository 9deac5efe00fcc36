SELECT * FROM users WHERE plan = 'free'
