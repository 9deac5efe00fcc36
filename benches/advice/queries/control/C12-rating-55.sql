SELECT * FROM reviews WHERE rating = 5
