-- A small shop. Its faults are on purpose: order_items.product_id has no index of its own, orders are
-- looked for by status and date with no index that fits, customers.referred_by may be NULL and stands in
-- the way of NOT IN, and journal_mode is not WAL.
BEGIN;
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  full_name TEXT NOT NULL,
  country TEXT NOT NULL CHECK (length(country) = 2),
  referred_by INTEGER REFERENCES customers (id) ON DELETE SET NULL,
  phone TEXT,
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE addresses (
  customer_id INTEGER PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE,
  street TEXT NOT NULL,
  city TEXT NOT NULL,
  postal_code TEXT NOT NULL
);
CREATE TABLE categories (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES categories (id),
  name TEXT NOT NULL UNIQUE
);
CREATE INDEX categories_parent_id_idx ON categories (parent_id);
CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE,
  category_id INTEGER NOT NULL REFERENCES categories (id),
  name TEXT NOT NULL,
  price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
  description TEXT
);
CREATE INDEX products_category_id_idx ON products (category_id);
CREATE TABLE tags (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE product_tags (
  product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
  PRIMARY KEY (product_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX product_tags_tag_id_idx ON product_tags (tag_id);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  status TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'shipped', 'cancelled')),
  note TEXT,
  total_minor INTEGER NOT NULL,
  placed_at TEXT NOT NULL
);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE TABLE order_items (
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  line_no INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  unit_price_minor INTEGER NOT NULL,
  PRIMARY KEY (order_id, line_no)
);
CREATE VIEW open_orders AS SELECT id, customer_id, total_minor, placed_at FROM orders WHERE status IN ('pending', 'paid');

-- Rows come from arithmetic, not from chance: the sample is the same at every start.
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO customers (id, email, full_name, country, referred_by, phone, created_at)
SELECT i, 'customer' || i || '@example.test', 'Customer ' || i,
       substr('NODESEFIUSFRNLPL', 1 + 2 * ((i * 7) % 8), 2),
       CASE WHEN i % 5 = 0 THEN i / 5 END, CASE WHEN i % 3 <> 0 THEN printf('+47%08d', i * 7919) END,
       datetime('2024-01-01', '+' || (i * 11 % 700) || ' days')
FROM n;
INSERT INTO addresses SELECT id, 'Street ' || (id % 90 + 1), 'City ' || (id % 40), printf('%05d', id * 37 % 99999) FROM customers WHERE id % 4 <> 0;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24)
INSERT INTO categories SELECT i, CASE WHEN i > 4 THEN (i - 1) % 4 + 1 END, 'Category ' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO products SELECT i, printf('SKU-%05d', i), i % 24 + 1, 'Product ' || i, 500 + i * 137 % 9000, CASE WHEN i % 2 = 0 THEN 'About product ' || i END FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
INSERT INTO tags SELECT i, 'tag' || i FROM n;
INSERT INTO product_tags SELECT p.id, t.id FROM products p JOIN tags t ON (p.id + t.id) % 9 = 0;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO orders SELECT i, i * 17 % 2000 + 1,
       CASE WHEN i % 50 = 0 THEN 'pending' WHEN i % 20 = 0 THEN 'cancelled' WHEN i % 9 = 0 THEN 'paid' ELSE 'shipped' END,
       CASE WHEN i % 40 = 0 THEN 'leave at the door' END, 1000 + i * 61 % 40000,
       datetime('2025-01-01', '+' || (i * 13 % 600) || ' days', '+' || (i % 1440) || ' minutes')
FROM n;
INSERT INTO order_items SELECT o.id, l.line_no, (o.id * 3 + l.line_no * 101) % 500 + 1, (o.id + l.line_no) % 4 + 1, 500 + o.id * 137 % 9000
FROM orders o JOIN (SELECT 1 AS line_no UNION ALL SELECT 2) l ON l.line_no = 1 OR o.id % 2 = 0;
COMMIT;
ANALYZE;
