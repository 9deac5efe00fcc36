//! A statement in another way: which one is told, what the engine's planner makes of it, and that it gives the same
//! rows on a scratch copy. On every engine.

use serde_json::{Value, json};

use crate::client::Client;
use crate::servers::{Place, everywhere, run};

/// Rows for the tables that the shop leaves empty.
const ROWS: &[&str] = &[
    "INSERT INTO products (sku, price) VALUES ('1', 10), ('2', 20), ('3', 30)",
    "INSERT INTO order_items (order_id, line_no, product_id, quantity) SELECT id, 1, id % 3 + 1, id % 7 + 1 FROM orders WHERE id <= 3000",
    "INSERT INTO profiles (customer_id, bio) SELECT id, 'planted-row-value' FROM customers WHERE id % 3 = 0",
];

fn filled(name: &str) -> Vec<Place> {
    let places = everywhere(name);
    for place in &places {
        for insert in ROWS {
            run(&place.url, insert);
        }
        let gather = match place.engine {
            "mysql" | "mariadb" => "ANALYZE TABLE products, order_items, profiles",
            _ => "ANALYZE",
        };
        run(&place.url, gather);
    }
    places
}

fn client(place: &Place) -> Client {
    let [flag, database] = place.arguments();
    if place.engine == "sqlite" {
        return place.client();
    }
    let scratch = format!("shop={}", place.scratch());
    Client::start(&[&flag, &database, "--scratch", &scratch])
}

/// The rewrites of a statement, and the text of the answer.
fn rewrites(client: &mut Client, sql: &str, binds: Value) -> (Vec<Value>, String) {
    let answer = client.ok("explain_query", json!({"sql": sql, "binds": binds}));
    let rewrites = answer.structured["rewrite"].as_array().unwrap().clone();
    assert_eq!(
        answer.text.contains("\nRewrites\n"),
        !rewrites.is_empty(),
        "{}",
        answer.text
    );
    assert!(
        !answer.text.contains("database_ops_scratch"),
        "{}",
        answer.text
    );
    for rewrite in &rewrites {
        assert!(
            answer.text.contains(rewrite["proof"].as_str().unwrap()),
            "{}",
            answer.text
        );
    }
    (rewrites, answer.text)
}

struct Case {
    /// The engines on which it is told; empty: all.
    on: &'static [&'static str],
    sql: &'static str,
    binds: &'static [i64],
    /// What the rewritten statement holds.
    holds: &'static str,
    equal: Option<bool>,
}

const fn proved(sql: &'static str, holds: &'static str) -> Case {
    Case {
        on: &[],
        sql,
        binds: &[],
        holds,
        equal: Some(true),
    }
}

const CASES: &[Case] = &[
    proved(
        "SELECT * FROM profiles WHERE customer_id = 6",
        "SELECT customer_id, bio FROM profiles",
    ),
    proved(
        "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = 77 OR c.email = 'c5@example.test'",
        "UNION ALL",
    ),
    Case {
        equal: Some(false),
        ..proved(
            "SELECT id FROM customers WHERE id NOT IN (SELECT referred_by FROM customers)",
            "NOT EXISTS (SELECT 1 FROM customers AS other_customers",
        )
    },
    proved(
        "SELECT id FROM customers WHERE id NOT IN (SELECT referred_by FROM customers WHERE referred_by > 3)",
        "NOT EXISTS",
    ),
    proved(
        "SELECT id, total FROM orders WHERE date(placed_at) = '2025-01-05'",
        "placed_at >= '2025-01-05' AND placed_at < '2025-01-06'",
    ),
    Case {
        binds: &[9],
        ..proved(
            "SELECT id FROM orders WHERE customer_id + 2 = $1",
            "customer_id = $1 - 2",
        )
    },
    Case {
        equal: None,
        ..proved(
            "SELECT id, total FROM orders ORDER BY placed_at DESC LIMIT 20 OFFSET 5000",
            "ORDER BY placed_at DESC, id DESC LIMIT 20",
        )
    },
    Case {
        on: &["postgresql", "sqlite"],
        ..proved(
            "SELECT p.id, (SELECT count(*) FROM order_items i WHERE i.product_id = p.id) AS sold FROM products p",
            "COALESCE(grouped_1.value_1, 0) AS sold",
        )
    },
    proved(
        "SELECT c.id FROM customers c WHERE (SELECT count(*) FROM profiles p WHERE p.customer_id = c.id) > 0",
        "EXISTS (SELECT 1 FROM profiles p",
    ),
    Case {
        on: &["postgresql", "sqlite"],
        ..proved(
            "SELECT total FROM orders WHERE CAST(id AS text) = '55'",
            "WHERE id = 55",
        )
    },
    Case {
        on: &["mysql", "mariadb"],
        ..proved("SELECT id FROM products WHERE sku = 2", "sku = '2'")
    },
    proved(
        "SELECT DISTINCT c.id, c.email FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.status = 'pending'",
        "EXISTS (SELECT 1 FROM orders o",
    ),
    proved(
        "SELECT id, note FROM orders WHERE status = 'pending' UNION SELECT id, note FROM orders WHERE status = 'shipped'",
        "UNION ALL",
    ),
    proved(
        "SELECT customer_id, sum(total) FROM orders GROUP BY customer_id HAVING customer_id = 12",
        "WHERE customer_id = 12 GROUP BY",
    ),
    proved(
        "SELECT c.id, p.bio FROM customers c LEFT JOIN profiles p ON p.customer_id = c.id WHERE p.bio <> 'x'",
        "c JOIN profiles p",
    ),
];

#[test]
fn each_rewrite_gives_the_same_rows_on_scratch_or_says_that_it_does_not() {
    let mut wrong = Vec::new();
    for place in filled("rewrites_each") {
        let mut client = client(&place);
        for case in CASES {
            if !case.on.is_empty() && !case.on.contains(&place.engine) {
                continue;
            }
            // Parameters as each engine writes them.
            let own = |text: &str| match place.engine {
                "postgresql" => text.to_owned(),
                _ => text.replace("$1", "?"),
            };
            let (found, text) = rewrites(&mut client, &own(case.sql), json!(case.binds));
            let holds = own(case.holds);
            let one = found
                .iter()
                .find(|one| one["sql"].as_str().unwrap().contains(&holds));
            let equal = one.map(|one| one.get("equal_on_scratch").and_then(Value::as_bool));
            if equal != Some(case.equal) {
                wrong.push(format!("{}: {}: {text}", place.name, case.sql));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Nothing is told of statements that are well said, or of which another way would mean something else.
#[test]
fn what_is_well_said_stays() {
    const WELL: &[&str] = &[
        "SELECT id, total FROM orders WHERE customer_id = 5",
        "SELECT count(*) FROM orders",
        "SELECT id FROM customers WHERE EXISTS (SELECT * FROM orders WHERE orders.customer_id = customers.id)",
        "SELECT id FROM orders WHERE placed_at >= '2025-01-05' AND placed_at < '2025-01-06'",
        "SELECT id FROM customers WHERE lower(full_name) = 'customer 5'",
        "SELECT id FROM orders WHERE customer_id = 5 OR customer_id = 6",
        "SELECT id FROM orders WHERE status = 'pending' OR total = 5",
        "SELECT id FROM orders ORDER BY id LIMIT 20 OFFSET 40",
        "SELECT id FROM orders ORDER BY note LIMIT 20 OFFSET 5000",
        "SELECT c.id FROM customers c LEFT JOIN profiles p ON p.customer_id = c.id WHERE p.bio IS NULL",
        "SELECT customer_id, count(*) FROM orders GROUP BY customer_id HAVING count(*) > 3",
        "SELECT id FROM customers UNION SELECT customer_id FROM orders",
        "SELECT status FROM orders WHERE id < 100 UNION SELECT status FROM orders WHERE id > 100",
        "SELECT DISTINCT c.id, o.status FROM customers c JOIN orders o ON o.customer_id = c.id",
        "UPDATE orders SET note = NULL WHERE date(placed_at) = '2025-01-05'",
    ];
    for place in filled("rewrites_none") {
        let mut client = client(&place);
        for sql in WELL {
            let (found, _) = rewrites(&mut client, sql, json!([]));
            assert!(found.is_empty(), "{}: {sql}: {found:?}", place.name);
        }
    }
}

/// Where there is no copy, nothing is said to be proved, and why stands there.
#[test]
fn without_a_copy_nothing_is_proved() {
    for place in filled("rewrites_unproved") {
        if place.engine == "sqlite" {
            continue;
        }
        let mut client = place.client();
        let (found, text) = rewrites(
            &mut client,
            "SELECT id FROM orders WHERE date(placed_at) = '2025-01-05'",
            json!([]),
        );
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].get("equal_on_scratch").is_none(), "{found:?}");
        assert!(text.contains("not proved: "), "{text}");
        assert!(text.contains("scratch"), "{text}");
    }
}

/// A text that is another number's spelling, and a text in a time's place: the rewrite would lose their rows, the
/// copy shows it, and nothing is told.
#[test]
fn one_that_the_data_speaks_against_is_not_told() {
    for place in filled("rewrites_against") {
        let (insert, sql) = match place.engine {
            "mysql" | "mariadb" => (
                "INSERT INTO products (sku, price) VALUES ('02', 5)",
                "SELECT id FROM products WHERE sku = 2",
            ),
            "sqlite" => (
                "INSERT INTO events (id, at) VALUES (1, '2460676.7')",
                "SELECT id FROM events WHERE date(at) = '2025-01-01'",
            ),
            _ => continue,
        };
        run(&place.url, insert);
        let (found, text) = rewrites(&mut client(&place), sql, json!([]));
        assert!(found.is_empty(), "{}: {text}", place.name);
    }
}
