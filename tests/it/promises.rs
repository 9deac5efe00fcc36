//! The seven promises, each shown once as a whole; the other files show them piece by piece.

use serde_json::{Value, json};

use crate::client::{Called, Client};
use crate::servers::{self, Place, everywhere};

/// Every tool once, as an agent would.
fn walk(client: &mut Client) -> Vec<Called> {
    [
        ("describe_schema", json!({"detail": "detailed"})),
        ("draw_erd", json!({})),
        ("draw_erd", json!({"format": "mermaid"})),
        ("explain_query", json!({"sql": "SELECT * FROM orders WHERE status = 'pending' AND note = 'x' ORDER BY total LIMIT 5", "analyze": true})),
        ("explain_query", json!({"sql": "DELETE FROM orders WHERE status = 'pending'"})),
        ("explain_query", json!({"sql": "SELECT note FROM orders WHERE note LIKE 'planted%' LIMIT 3", "analyze": true, "detail": "detailed"})),
        ("propose_migration", json!({"change": "ALTER TABLE orders ADD COLUMN region varchar(20) NOT NULL"})),
        ("propose_migration", json!({"change": "DROP TABLE returns", "backup": "yes, tested"})),
        ("check_locks", json!({"detail": "detailed"})),
    ]
    .into_iter()
    .map(|(tool, arguments)| client.ok(tool, arguments))
    .collect()
}

/// Content and structure of the database.
fn fingerprint(place: &Place) -> (i64, i64, Value) {
    let rows = servers::number(&place.url, "SELECT count(*) FROM orders");
    let notes = servers::number(
        &place.url,
        "SELECT count(*) FROM orders WHERE note = 'planted-row-value'",
    );
    let mut schema = place
        .client()
        .ok("describe_schema", json!({"detail": "detailed"}))
        .structured["tables"]
        .clone();
    for table in schema.as_array_mut().unwrap() {
        for volatile in ["rows", "size_bytes", "stats_age_s"] {
            table.as_object_mut().unwrap().remove(volatile);
        }
        for index in table["indexes"].as_array_mut().unwrap() {
            index.as_object_mut().unwrap().remove("size_bytes");
        }
    }
    (rows, notes, schema)
}

#[test]
fn promise_1_nothing_is_written() {
    for place in everywhere("promise_1") {
        let before = fingerprint(&place);
        walk(&mut place.client());
        assert_eq!(before, fingerprint(&place), "{}", place.name);
    }
}

#[test]
fn promise_1_an_sqlite_file_stays_as_it_was_byte_for_byte() {
    let place = servers::sqlite("promise_1_bytes");
    let path = place.url.trim_start_matches("sqlite:");
    let before = std::fs::read(path).unwrap();
    walk(&mut place.client());
    assert!(before == std::fs::read(path).unwrap());
}

#[test]
fn promise_2_no_row_leaves() {
    for place in everywhere("promise_2") {
        for called in walk(&mut place.client()) {
            for text in [called.text, called.structured.to_string()] {
                assert!(
                    !text.contains("planted-row-value") && !text.contains("@example.test"),
                    "{}: {text}",
                    place.name
                );
            }
        }
    }
}

#[test]
fn promise_3_every_number_says_where_it_came_from() {
    for place in everywhere("promise_3") {
        for called in walk(&mut place.client()) {
            for finding in called.structured["findings"].as_array().unwrap() {
                for evidence in finding["evidence"].as_array().into_iter().flatten() {
                    let source = evidence["source"].as_str().unwrap();
                    assert!(
                        ["measured", "measured_on_scratch", "what_if", "formula"].contains(&source),
                        "{}: {finding}",
                        place.name
                    );
                }
            }
            if let Some(indexes) = called.structured["indexes"].as_array() {
                assert!(
                    indexes.iter().all(|index| index["gain"].is_null() || index["gain"]["source"].is_string()),
                    "{}: {indexes:?}",
                    place.name
                );
            }
        }
    }
}

#[test]
fn promise_4_what_was_not_seen_is_said() {
    for place in everywhere("promise_4") {
        for called in walk(&mut place.client()) {
            for skipped in called.structured["skipped"].as_array().unwrap() {
                assert!(
                    !skipped["why"].as_str().unwrap().is_empty(),
                    "{}",
                    place.name
                );
                assert!(
                    called.text.contains(skipped["what"].as_str().unwrap()),
                    "{}: {}",
                    place.name,
                    called.text
                );
            }
        }
    }
}

#[test]
fn promise_5_the_text_is_complete_alone() {
    for place in everywhere("promise_5") {
        for called in walk(&mut place.client()) {
            let summary = called.structured["summary"].as_str().unwrap();
            assert!(
                called.text.contains(summary),
                "{}: {}",
                place.name,
                called.text
            );
            let version = called.structured["version"].as_str().unwrap();
            assert!(
                called
                    .text
                    .starts_with(&format!("shop · {} {version}", place.engine)),
                "{}: {}",
                place.name,
                called.text
            );
        }
    }
}

#[test]
fn promise_6_the_same_question_has_the_same_answer() {
    for place in everywhere("promise_6") {
        let ask = || {
            let mut client = place.client();
            [
                ("describe_schema", json!({"tables": ["orders", "customers"]})),
                ("draw_erd", json!({})),
                ("explain_query", json!({"sql": "SELECT id FROM orders WHERE status = 'pending' AND total > 19000"})),
                ("propose_migration", json!({"change": "CREATE INDEX x ON orders (status)"})),
            ]
            .map(|(tool, arguments)| {
                let called = client.ok(tool, arguments);
                let mut structured = called.structured;
                for table in structured["tables"].as_array_mut().into_iter().flatten() {
                    table.as_object_mut().unwrap().remove("stats_age_s");
                }
                (called.text, structured.to_string())
            })
        };
        let first = ask();
        for _ in 0..3 {
            assert!(first == ask(), "{}", place.name);
        }
    }
}

#[test]
fn promise_7_answers_are_bounded_and_say_what_was_left_out() {
    let place = servers::sqlite("promise_7");
    let tables: Vec<String> = (0..200)
        .map(|number| {
            format!(
                "CREATE TABLE wide_{number} (id INTEGER PRIMARY KEY, {});",
                (0..30)
                    .map(|c| format!("some_column_{c} TEXT"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        })
        .collect();
    servers::run(&place.url, &tables.join("\n"));
    let mut client = place.client();
    let called = client.ok("describe_schema", json!({"detail": "detailed"}));
    assert!(called.text.len() < 50_000, "{} bytes", called.text.len());
    assert!(called.structured["truncated"]["total"].as_i64().unwrap() >= 200);
    assert!(called.text.contains("Shown "), "{}", called.text);
    let called = client.ok("draw_erd", json!({}));
    assert!(called.text.len() < 50_000, "{} bytes", called.text.len());
}

#[test]
#[cfg(unix)]
fn promise_7_a_frozen_server_does_not_freeze_the_call() {
    // A listener that accepts and never answers: what a stopped server looks like from outside.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let alive = servers::sqlite("promise_7_alive");
    let config = servers::folder().join("frozen.toml");
    std::fs::write(
        &config,
        format!("deadline_seconds = 2\n[databases.frozen]\nurl = \"postgres://u@127.0.0.1:{port}/x\"\n[databases.alive]\nurl = \"{}\"\n", alive.url),
    )
    .unwrap();
    let mut client = Client::start(&["--config", config.to_str().unwrap()]);
    let started = std::time::Instant::now();
    let error = client.refused("describe_schema", json!({"database": "frozen"}));
    assert!(
        started.elapsed() < std::time::Duration::from_secs(4),
        "{error}"
    );
    assert!(
        error.contains("did not answer") || error.contains("timed out"),
        "{error}"
    );
    client.ok("describe_schema", json!({"database": "alive"}));
}

#[test]
fn no_secret_is_seen_in_answers_errors_or_logs() {
    for place in servers::servers("secrets") {
        let password = url::Url::parse(&place.url)
            .unwrap()
            .password()
            .unwrap_or_default()
            .to_owned();
        if password.is_empty() {
            continue;
        }
        for tool in ["describe_schema", "check_locks", "draw_erd"] {
            let output = std::process::Command::new(crate::client::BINARY)
                .args(place.arguments())
                .args(["call", tool])
                .env("DATABASE_OPS_LOG", "trace")
                .output()
                .unwrap();
            let all = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!all.contains(&password), "{}: {tool}", place.name);
        }
    }
}
