SELECT id, name, plan
FROM users
WHERE lower(email) = 'user4242@example.org'
