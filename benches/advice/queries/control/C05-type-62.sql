SELECT * FROM events WHERE type = 'page_view'
