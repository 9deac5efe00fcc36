SELECT * FROM orders WHERE ship_country = 'US'
