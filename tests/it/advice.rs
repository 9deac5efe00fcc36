//! Which indexes are advised, on real data: by hypothetical indexes, on an empty copy, on a scratch sample.

use serde_json::{Value, json};

use crate::client::Client;
use crate::servers::{self, Place, everywhere, run};

/// The place with its server named as scratch.
fn client(place: &Place) -> Client {
    let [flag, database] = place.arguments();
    if place.engine == "sqlite" {
        return Client::start(&[&flag, &database]);
    }
    Client::start(&[
        &flag,
        &database,
        "--scratch",
        &format!("shop={}", place.scratch()),
    ])
}

/// Each index as its table and keys.
fn advised(answer: &Value) -> Vec<String> {
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let indexes = answer["indexes"].as_array().unwrap();
    let mut told: Vec<String> = indexes
        .iter()
        .map(|index| {
            let columns: Vec<String> = index["columns"]
                .as_array()
                .unwrap()
                .iter()
                .map(words)
                .collect();
            let table = words(&index["table"]);
            let table = table.rsplit('.').next().unwrap_or_default().to_owned();
            format!("{table} ({})", columns.join(", "))
        })
        .collect();
    told.sort();
    told
}

/// A statement, and how the keys of one of its indexes have to begin; several that are as good.
const HELPED: &[(&str, &[&str])] = &[
    (
        "SELECT id FROM orders WHERE status = 'pending' AND total > 19000",
        &["orders (status, total", "orders (total"],
    ),
    (
        "SELECT id, total FROM orders WHERE status = 'pending' ORDER BY total DESC LIMIT 5",
        &["orders (status, total", "orders (total"],
    ),
    (
        "WITH p AS (SELECT * FROM orders) SELECT id FROM (SELECT id, status AS s, total AS t FROM p) AS x WHERE s = 'pending' AND t > 19000",
        &["orders (status, total", "orders (total"],
    ),
    (
        "SELECT c.full_name FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.total = 19999",
        &["orders (total"],
    ),
    (
        "SELECT id FROM orders WHERE total = 77 OR note = 'x'",
        &["orders (total", "orders (note"],
    ),
    ("SELECT max(total) FROM orders", &["orders (total"]),
];

#[test]
fn n4_a2_an_index_is_advised_for_what_the_statement_asks() {
    for place in everywhere("advice_helped") {
        if place.name == "postgresql-15" {
            run(&place.url, "CREATE EXTENSION hypopg");
        }
        let mut client = client(&place);
        for (sql, beginnings) in HELPED {
            let called = client.ok("explain_query", json!({"sql": sql}));
            let found = advised(&called.structured);
            assert!(
                found
                    .iter()
                    .any(|index| beginnings.iter().any(|start| index.starts_with(start))),
                "{}: {sql}: {found:?}: {}",
                place.name,
                called.text
            );
            let (before, after) = (&called.structured["before"], &called.structured["after"]);
            assert!(
                after["cost"].is_f64(),
                "{}: {sql}: {}",
                place.name,
                called.text
            );
            assert!(
                after["cost"].as_f64().unwrap() < before["cost"].as_f64().unwrap() * 0.85,
                "{}: {sql}: {}",
                place.name,
                called.text
            );
            let all: Vec<&Value> = called.structured["best_set"]
                .as_array()
                .unwrap()
                .iter()
                .collect();
            assert_eq!(all.len(), found.len());
            let small = called.structured["smallest_set"].as_array().unwrap();
            assert!(
                !small.is_empty() && small.len() <= all.len(),
                "{}",
                called.text
            );
            assert!(
                !called.text.contains("database_ops_scratch"),
                "{}",
                called.text
            );
        }
    }
}

#[test]
fn o5_nothing_is_advised_where_it_would_keep_most_rows() {
    for place in everywhere("advice_controls") {
        if place.name == "postgresql-15" {
            run(&place.url, "CREATE EXTENSION hypopg");
        }
        let mut client = client(&place);
        for sql in [
            "SELECT * FROM orders WHERE status = 'shipped'",
            "SELECT * FROM orders WHERE total > 100",
            "SELECT * FROM orders WHERE note IS NULL",
            "SELECT * FROM orders WHERE status <> 'pending'",
            "SELECT * FROM orders",
            "SELECT * FROM orders WHERE id = 7",
            "SELECT * FROM tags WHERE name = 'x'",
        ] {
            let called = client.ok("explain_query", json!({"sql": sql}));
            assert_eq!(
                called.structured["indexes"],
                json!([]),
                "{}: {sql}: {}",
                place.name,
                called.text
            );
        }
    }
}

#[test]
fn promise_6_the_same_question_has_the_same_answer() {
    for place in everywhere("advice_again") {
        if place.name == "postgresql-15" {
            run(&place.url, "CREATE EXTENSION hypopg");
        }
        if matches!(place.engine, "mysql" | "mariadb") {
            // Later it would do so by itself, between one question and the next.
            run(&place.url, "ANALYZE TABLE orders, customers");
        }
        let arguments = json!({"sql": HELPED[3].0});
        // A server may reckon with what it has in memory: the first question brings it there.
        client(&place).ok("explain_query", arguments.clone());
        let first = client(&place).ok("explain_query", arguments.clone()).text;
        for _ in 0..4 {
            // Each in a process of its own, with hash seeds of its own.
            let again = client(&place).ok("explain_query", arguments.clone()).text;
            assert_eq!(first, again, "{}", place.name);
        }
    }
}

#[test]
fn promise_2_values_for_parameters_are_looked_up_and_not_shown() {
    for place in everywhere("advice_parameters") {
        let (first, second) = if place.engine == "postgresql" {
            ("$1", "$2")
        } else {
            ("?", "?")
        };
        let sql = format!(
            "SELECT id FROM orders WHERE status = {first} AND total > {second} ORDER BY total LIMIT 5"
        );
        let called = client(&place).ok("explain_query", json!({"sql": sql}));
        assert!(
            called.text.contains("parameters-without-values"),
            "{}: {}",
            place.name,
            called.text
        );
        for value in ["shipped", "pending"] {
            assert!(
                !called.text.contains(value),
                "{}: {}",
                place.name,
                called.text
            );
            assert!(
                !called.structured.to_string().contains(value),
                "{}: {}",
                place.name,
                called.structured
            );
        }
        // A value that came for a parameter makes no partial index.
        let sql = called.structured["best_set"].to_string();
        assert!(!sql.contains("WHERE"), "{}: {sql}", place.name);
    }
}

#[test]
fn promise_3_what_could_not_be_tried_is_said_with_the_way_to_try_it() {
    for place in servers::servers("advice_nowhere") {
        let called = place.client().ok(
            "explain_query",
            json!({"sql": "SELECT id FROM orders WHERE status = 'pending' AND total > 19000"}),
        );
        let skipped = called.structured["skipped"].to_string();
        assert!(
            skipped.contains("the plan with the new index"),
            "{}: {skipped}",
            place.name
        );
        assert!(
            skipped.contains("--scratch") || skipped.contains("scratch_url"),
            "{}: {skipped}",
            place.name
        );
        assert_eq!(called.structured["indexes"][0]["gain"]["source"], "formula");
    }
}
