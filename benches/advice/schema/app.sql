-- A web application. JSONB and TIMESTAMP are rewritten where an engine calls them otherwise (src/engine/).
-- Its indexes are the primary keys and the two foreign keys at the end; the other foreign keys have none, as happens.
-- No foreign key is declared: MySQL and MariaDB would index every one of them.
CREATE TABLE users (id BIGINT PRIMARY KEY, email VARCHAR(120) NOT NULL, name VARCHAR(80) NOT NULL, country VARCHAR(2) NOT NULL, plan VARCHAR(12) NOT NULL, created_at TIMESTAMP NOT NULL, last_seen_at TIMESTAMP NULL, deleted_at TIMESTAMP NULL, referred_by BIGINT NULL, settings JSONB NOT NULL);
CREATE TABLE products (id BIGINT PRIMARY KEY, sku VARCHAR(20) NOT NULL, name VARCHAR(120) NOT NULL, category_id INTEGER NOT NULL, price_cents INTEGER NOT NULL, active SMALLINT NOT NULL, attributes JSONB NOT NULL, created_at TIMESTAMP NOT NULL);
CREATE TABLE orders (id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL, status VARCHAR(16) NOT NULL, total_cents INTEGER NOT NULL, ship_country VARCHAR(2) NOT NULL, placed_at TIMESTAMP NOT NULL, shipped_at TIMESTAMP NULL, coupon_code VARCHAR(20) NULL, tracking_no VARCHAR(20) NULL, deleted_at TIMESTAMP NULL, note VARCHAR(200) NULL);
CREATE TABLE order_items (id BIGINT PRIMARY KEY, order_id BIGINT NOT NULL, product_id BIGINT NOT NULL, quantity INTEGER NOT NULL, unit_price_cents INTEGER NOT NULL, returned_at TIMESTAMP NULL);
CREATE TABLE payments (id BIGINT PRIMARY KEY, order_id BIGINT NOT NULL, provider VARCHAR(12) NOT NULL, amount_cents INTEGER NOT NULL, state VARCHAR(12) NOT NULL, external_ref VARCHAR(40) NOT NULL, captured_at TIMESTAMP NULL);
CREATE TABLE sessions (id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL, started_at TIMESTAMP NOT NULL, ended_at TIMESTAMP NULL, ip VARCHAR(40) NOT NULL, user_agent VARCHAR(120) NOT NULL);
CREATE TABLE events (id BIGINT PRIMARY KEY, user_id BIGINT NULL, session_id BIGINT NOT NULL, type VARCHAR(20) NOT NULL, occurred_at TIMESTAMP NOT NULL, processed SMALLINT NOT NULL, payload JSONB NOT NULL);
CREATE TABLE reviews (id BIGINT PRIMARY KEY, product_id BIGINT NOT NULL, user_id BIGINT NOT NULL, rating SMALLINT NOT NULL, title VARCHAR(120) NOT NULL, body TEXT NOT NULL, created_at TIMESTAMP NOT NULL);
CREATE INDEX orders_user_id_idx ON orders (user_id);
CREATE INDEX order_items_order_id_idx ON order_items (order_id);
