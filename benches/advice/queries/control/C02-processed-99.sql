SELECT * FROM events WHERE processed = 1
