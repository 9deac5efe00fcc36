//! Plans, findings and advice on real data.

use serde_json::{Value, json};

use crate::servers::{self, everywhere};

fn rules(answer: &Value) -> Vec<String> {
    answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn o1_o2_the_plan_is_a_tree_and_a_scan_of_a_large_table_is_named() {
    for place in everywhere("plans_scan") {
        let called = place.client().ok(
            "explain_query",
            json!({"sql": "SELECT o.id FROM orders o WHERE o.status = 'pending' AND o.total > 19000"}),
        );
        let plan = called.structured["plan"].as_array().unwrap();
        assert!(
            plan.iter().any(|node| node["relation"]
                .as_str()
                .is_some_and(|name| name.ends_with("orders"))),
            "{}: {}",
            place.name,
            called.text
        );
        assert!(
            plan.iter().enumerate().all(|(id, node)| node["id"] == id),
            "{}",
            place.name
        );
        assert!(
            rules(&called.structured).contains(&"full-scan-large-table".to_owned()),
            "{}: {}",
            place.name,
            called.text
        );
        assert_eq!(called.structured["analyzed"], false);
    }
}

#[test]
fn o5_c3_n4_an_index_comes_with_selectivity_and_write_cost() {
    for place in everywhere("plans_index") {
        let sql = "SELECT id FROM orders WHERE status = 'pending' AND total > 19000";
        let called = place.client().ok("explain_query", json!({"sql": sql}));
        let indexes = called.structured["indexes"].as_array().unwrap();
        assert_eq!(indexes.len(), 1, "{}: {}", place.name, called.text);
        let index = &indexes[0];
        assert_eq!(
            index["columns"],
            json!(["status", "total"]),
            "{}: {}",
            place.name,
            called.text
        );
        // 20 of 20,000 rows.
        let sampled = index["selectivity"]["sampled"].as_f64().unwrap();
        assert!(
            (0.0005..=0.002).contains(&sampled),
            "{}: {sampled}",
            place.name
        );
        assert!(
            index["size_bytes"].as_i64().unwrap() > 100_000,
            "{}",
            place.name
        );
        assert!(
            index["write_cost"]["bytes_per_row"].as_i64().unwrap() > 16,
            "{}",
            place.name
        );
        assert!(
            index["write_cost"]["factor"].as_f64().unwrap() > 1.0,
            "{}",
            place.name
        );
        assert!(
            called.structured["next"]
                .to_string()
                .contains("propose_migration"),
            "{}",
            place.name
        );
    }
}

#[test]
fn c4_the_plan_with_the_index_is_shown_where_the_engine_can_tell() {
    for place in everywhere("plans_after") {
        if place.name == "postgresql-15" {
            servers::run(&place.url, "CREATE EXTENSION hypopg");
        }
        let sql = "SELECT id FROM orders WHERE status = 'pending' AND total > 19000";
        let called = place.client().ok("explain_query", json!({"sql": sql}));
        let after = &called.structured["after"];
        match place.name {
            "sqlite" | "postgresql-15" => {
                assert_eq!(after["source"], "what_if", "{}", called.text);
                assert!(
                    after["cost"].as_f64().unwrap()
                        < called.structured["before"]["cost"].as_f64().unwrap() / 2.0
                );
            }
            _ => {
                assert!(after.is_null(), "{}", called.text);
                assert!(
                    called.structured["skipped"]
                        .to_string()
                        .contains("the plan with the new index"),
                    "{}",
                    called.text
                );
            }
        }
    }
}

#[test]
fn no_index_is_advised_where_none_helps() {
    for place in everywhere("plans_none") {
        let mut client = place.client();
        for sql in [
            "SELECT id FROM orders WHERE status = 'shipped'",
            "SELECT count(*) FROM orders",
            "SELECT id FROM orders WHERE id = 7",
            "SELECT id FROM orders WHERE customer_id = 7",
            "SELECT id FROM tags WHERE name = 'x'",
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
fn a5_not_in_over_a_nullable_column_is_named() {
    for place in everywhere("plans_not_in") {
        let mut client = place.client();
        let called = client.ok("explain_query", json!({"sql": "SELECT id FROM customers WHERE id NOT IN (SELECT referred_by FROM customers)"}));
        assert_eq!(
            rules(&called.structured)[0],
            "not-in-null",
            "{}: {}",
            place.name,
            called.text
        );
        let called = client.ok("explain_query", json!({"sql": "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders)"}));
        assert!(
            !rules(&called.structured).contains(&"not-in-null".to_owned()),
            "{}",
            place.name
        );
    }
}

#[test]
fn n5_select_star_is_flagged_with_the_columns_to_name() {
    for place in everywhere("plans_star") {
        let called = place.client().ok(
            "explain_query",
            json!({"sql": "SELECT * FROM tags WHERE id = 1"}),
        );
        let finding = &called.structured["findings"][0];
        assert_eq!(
            finding["rule"], "select-star",
            "{}: {}",
            place.name, called.text
        );
        assert!(
            finding["remedy"].as_str().unwrap().contains("id, name"),
            "{}",
            place.name
        );
    }
}

#[test]
fn findings_that_the_statement_alone_shows_are_the_same_everywhere() {
    for place in everywhere("plans_findings") {
        let mut client = place.client();
        for (sql, rule) in [
            (
                "SELECT id FROM orders ORDER BY id LIMIT 10 OFFSET 5000",
                "large-offset",
            ),
            (
                "SELECT id FROM orders WHERE note LIKE '%door%'",
                "leading-wildcard",
            ),
            (
                "SELECT id FROM orders WHERE abs(total) = 7",
                "function-on-column",
            ),
            (
                "SELECT id FROM orders ORDER BY note LIMIT 5",
                "sort-without-index",
            ),
        ] {
            let called = client.ok("explain_query", json!({"sql": sql}));
            assert!(
                rules(&called.structured).contains(&rule.to_owned()),
                "{}: {sql}: {}",
                place.name,
                called.text
            );
        }
    }
}

#[test]
fn analyze_measures_a_read_and_refuses_a_write() {
    for place in everywhere("plans_analyze") {
        let mut client = place.client();
        let sql = "SELECT count(*) FROM orders WHERE total > 100";
        let called = client.ok("explain_query", json!({"sql": sql, "analyze": true}));
        if place.engine == "sqlite" {
            assert!(
                called.structured["skipped"]
                    .to_string()
                    .contains("actual rows"),
                "{}",
                called.text
            );
        } else {
            assert_eq!(
                called.structured["analyzed"], true,
                "{}: {}",
                place.name, called.text
            );
            let plan = called.structured["plan"].as_array().unwrap();
            let scan = plan
                .iter()
                .find(|node| {
                    node["relation"]
                        .as_str()
                        .is_some_and(|name| name.ends_with("orders"))
                })
                .unwrap();
            assert_eq!(
                scan["actual_rows"], 19900.0,
                "{}: {}",
                place.name, called.text
            );
        }
        for sql in [
            "DELETE FROM orders",
            "UPDATE orders SET total = 0",
            "INSERT INTO tags (id, name) VALUES (1, 'x')",
            "SELECT id FROM orders FOR UPDATE",
        ] {
            client.refused("explain_query", json!({"sql": sql, "analyze": true}));
        }
        assert_eq!(
            servers::number(&place.url, "SELECT count(*) FROM orders"),
            20_000,
            "{}",
            place.name
        );
    }
}

#[test]
fn writes_are_explained_without_being_run() {
    for place in everywhere("plans_writes") {
        let mut client = place.client();
        for sql in [
            "DELETE FROM orders WHERE status = 'pending'",
            "UPDATE orders SET note = 'x' WHERE status = 'pending'",
            "INSERT INTO tags (id, name) SELECT id, sku FROM products",
        ] {
            let called = client.ok("explain_query", json!({"sql": sql}));
            assert!(
                !called.structured["plan"].as_array().unwrap().is_empty(),
                "{}: {sql}: {}",
                place.name,
                called.text
            );
        }
        assert_eq!(
            servers::number(&place.url, "SELECT count(*) FROM orders WHERE note = 'x'"),
            0,
            "{}",
            place.name
        );
        assert_eq!(
            servers::number(&place.url, "SELECT count(*) FROM orders"),
            20_000,
            "{}",
            place.name
        );
    }
}

#[test]
fn parameters_take_their_values_from_binds() {
    for place in everywhere("plans_binds") {
        let mut client = place.client();
        let marker = if place.engine == "postgresql" {
            ["$1", "$2"]
        } else {
            ["?", "?"]
        };
        let sql = format!(
            "SELECT id FROM orders WHERE status = {} AND total > {}",
            marker[0], marker[1]
        );
        let unknown = format!("SELECT id FROM orders WHERE status || 'x' = {}", marker[0]);
        assert!(
            client
                .refused("explain_query", json!({"sql": unknown}))
                .contains("binds")
        );
        let called = client.ok(
            "explain_query",
            json!({"sql": sql, "binds": ["pending", 19000]}),
        );
        assert_eq!(
            called.structured["indexes"][0]["columns"],
            json!(["status", "total"]),
            "{}: {}",
            place.name,
            called.text
        );
    }
}

#[test]
fn joins_subqueries_and_unions_are_explained() {
    for place in everywhere("plans_shapes") {
        let mut client = place.client();
        for sql in [
            "SELECT c.full_name, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.status = 'pending' GROUP BY c.full_name ORDER BY 2 DESC LIMIT 5",
            "WITH big AS (SELECT customer_id, sum(total) AS s FROM orders GROUP BY customer_id) SELECT c.email FROM customers c JOIN big b ON b.customer_id = c.id WHERE b.s > 1000",
            "SELECT id FROM orders WHERE total > 1000 UNION SELECT id FROM customers",
            "SELECT c.id, (SELECT max(o.total) FROM orders o WHERE o.customer_id = c.id) FROM customers c",
            "SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY total) FROM orders",
            "SELECT o.id FROM orders o LEFT JOIN order_items i ON i.order_id = o.id WHERE i.order_id IS NULL",
            "SELECT id FROM open_orders WHERE total > 5",
            "SELECT DISTINCT status FROM orders WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = orders.customer_id)",
        ] {
            let called = client.ok("explain_query", json!({"sql": sql}));
            assert!(
                !called.structured["plan"].as_array().unwrap().is_empty(),
                "{}: {sql}",
                place.name
            );
            let analyzed = client.ok(
                "explain_query",
                json!({"sql": sql, "analyze": true, "advise": false}),
            );
            assert!(
                !analyzed.structured["plan"].as_array().unwrap().is_empty(),
                "{}: {sql}",
                place.name
            );
        }
    }
}
