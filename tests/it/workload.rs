//! What costs most over time, on real servers and from pasted logs.

use serde_json::{Value, json};

use crate::servers::{self, everywhere, run};

fn rules(answer: &Value) -> Vec<&str> {
    let findings = answer["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect()
}

/// Statements of which two want the same index, and one for each row of another.
fn log() -> String {
    let mut log = "SELECT id FROM orders WHERE status = 'pending' AND total > 19000;\n\
        SELECT id, total FROM orders WHERE status = 'pending' ORDER BY total DESC LIMIT 5;\n\
        SELECT id, email FROM customers LIMIT 7;\n"
        .to_owned();
    for id in 1..=7 {
        log.push_str(&format!(
            "SELECT total FROM orders WHERE customer_id = {id};\n"
        ));
    }
    log
}

#[test]
fn o3_a_log_gives_repetitions_and_one_set_of_indexes() {
    for place in everywhere("workload_log") {
        if place.name == "postgresql-15" {
            run(&place.url, "CREATE EXTENSION hypopg");
        }
        let mut client = place.client();
        let called = client.ok("tune_workload", json!({"log": log()}));
        let statements = called.structured["statements"].as_array().unwrap();
        assert_eq!(statements.len(), 4, "{}: {}", place.name, called.text);
        assert_eq!(statements[0]["calls"], 7, "{}: {}", place.name, called.text);
        let repeated = &called.structured["n_plus_one"][0];
        assert_eq!(repeated["repeats"], 7, "{}: {}", place.name, called.text);
        assert_eq!(
            repeated["confidence"], "high",
            "{}: {}",
            place.name, called.text
        );
        assert!(
            repeated["batched_sql"]
                .as_str()
                .unwrap()
                .contains("customer_id"),
            "{}: {repeated}",
            place.name
        );
        assert!(
            rules(&called.structured).contains(&"n-plus-one"),
            "{}",
            place.name
        );
        // Values that the log holds are no part of a fingerprint.
        assert!(!called.text.contains("customer_id = 7"), "{}", called.text);
        if matches!(place.name, "sqlite" | "postgresql-15") {
            let indexes = called.structured["indexes"].as_array().unwrap();
            let two = indexes
                .iter()
                .find(|index| index["serves"].as_array().unwrap().len() >= 2);
            assert!(two.is_some(), "{}: {}", place.name, called.text);
        } else {
            assert!(
                called.structured["skipped"]
                    .to_string()
                    .contains("the plan with the new index"),
                "{}: {}",
                place.name,
                called.text
            );
        }
    }
}

#[test]
fn n4_an_index_within_another_and_one_that_nobody_uses_are_told() {
    for place in everywhere("workload_drop") {
        for sql in [
            "CREATE INDEX orders_note_a ON orders (status, total)",
            "CREATE INDEX orders_note_b ON orders (status, total, placed_at)",
        ] {
            run(&place.url, sql);
        }
        let called = place.client().ok("tune_workload", json!({}));
        let drop = called.structured["drop"].as_array().unwrap();
        let found = drop
            .iter()
            .find(|own| own["index"].as_str().unwrap().ends_with("orders_note_a"))
            .unwrap_or_else(|| panic!("{}: {}", place.name, called.text));
        assert!(
            found["reason"].as_str().unwrap().contains("orders_note_b"),
            "{found}"
        );
        assert!(
            found["sql"].as_str().unwrap().contains("DROP INDEX"),
            "{found}"
        );
        assert!(
            !drop.iter().any(|own| own["index"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .contains("pkey")
                || own["index"].as_str().unwrap().ends_with("PRIMARY")),
            "{}: {}",
            place.name,
            called.text
        );
    }
}

#[test]
fn promise_4_what_the_server_counted_is_read_or_said_to_be_missing() {
    for place in servers::servers("workload_counted") {
        let sql = "SELECT COUNT(*) FROM orders WHERE status = 'pending' AND total > 12345";
        if place.engine == "postgresql" {
            run(&place.url, "CREATE EXTENSION pg_stat_statements");
        }
        if place.engine == "mysql" {
            // Other tests may have filled it, and what finds no place is not counted.
            run(
                &place.url,
                "TRUNCATE performance_schema.events_statements_summary_by_digest",
            );
        }
        for _ in 0..3 {
            run(&place.url, sql);
        }
        let called = place.client().ok("tune_workload", json!({}));
        // What others asked is shown without its values.
        assert!(
            !called.text.contains("12345"),
            "{}: {}",
            place.name,
            called.text
        );
        if place.name == "mariadb" {
            assert!(
                called.structured["skipped"]
                    .to_string()
                    .contains("performance_schema"),
                "{}",
                called.text
            );
            continue;
        }
        let statements = called.structured["statements"].as_array().unwrap();
        let counted = statements.iter().find(|own| {
            let print = own["fingerprint"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .replace('`', "");
            print.contains("total > ?")
        });
        let counted = counted.unwrap_or_else(|| panic!("{}: {}", place.name, called.text));
        assert!(
            counted["calls"].as_u64().unwrap() >= 3,
            "{}: {counted}",
            place.name
        );
        assert!(
            counted["total_ms"].as_f64().unwrap() > 0.0,
            "{}: {counted}",
            place.name
        );
    }
    let place = servers::sqlite("workload_counted");
    let called = place.client().ok("tune_workload", json!({}));
    assert!(
        called.structured["skipped"].to_string().contains("`log`"),
        "{}",
        called.text
    );
}
