SELECT id, email, plan
FROM users
WHERE referred_by = 42 AND deleted_at IS NULL
