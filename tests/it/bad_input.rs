//! Whatever comes in: an error that names the cause and the next step; the process lives, the next call works.

use serde_json::{Value, json};

use crate::client::Client;
use crate::servers::{self, everywhere};

/// A tool, its arguments, and what the error must say.
fn wrong_calls() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "explain_query",
            json!({"database": "shopp", "sql": "SELECT 1"}),
            "Did you mean \"shop\"?",
        ),
        (
            "explain_query",
            json!({"sq": "SELECT 1"}),
            "unknown field `sq`",
        ),
        (
            "explain_query",
            json!({"sql": 7}),
            "invalid type: integer `7`, expected a string",
        ),
        (
            "explain_query",
            json!({}),
            "Give `sql`, a statement, or `plan`",
        ),
        (
            "explain_query",
            json!({"sql": "SELECT 1", "analyze": "yes"}),
            "expected a boolean",
        ),
        (
            "explain_query",
            json!({"sql": ""}),
            "there is nothing to explain",
        ),
        (
            "explain_query",
            json!({"sql": "SELEC id FROM orders"}),
            "does not parse",
        ),
        (
            "explain_query",
            json!({"sql": "SELECT (((("}),
            "does not parse",
        ),
        (
            "explain_query",
            json!({"sql": "SELECT 1; SELECT 2"}),
            "2 statements",
        ),
        (
            "explain_query",
            json!({"sql": "SELECT 1; DROP TABLE orders"}),
            "2 statements",
        ),
        (
            "explain_query",
            json!({"sql": "DROP TABLE orders"}),
            "propose_migration",
        ),
        (
            "explain_query",
            json!({"sql": "EXPLAIN ANALYZE DELETE FROM orders"}),
            "starts with EXPLAIN",
        ),
        (
            "explain_query",
            json!({"sql": "SELECT * FROM oders"}),
            "Did you mean orders?",
        ),
        (
            "explain_query",
            json!({"sql": "SELECT totl FROM orders"}),
            "Did you mean total?",
        ),
        (
            "explain_query",
            json!({"sql": "SELECT \u{0} FROM orders"}),
            "control character",
        ),
        (
            "explain_query",
            json!({"sql": "DELETE FROM orders", "analyze": true}),
            "without `analyze`",
        ),
        (
            "explain_query",
            json!({"sql": format!("SELECT '{}'", "x".repeat(300_000))}),
            "is the limit",
        ),
        (
            "explain_query",
            json!({"sql": format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000))}),
            "nested too deeply",
        ),
        (
            "propose_migration",
            json!({"change": "DROP TABLE oders"}),
            "Did you mean orders?",
        ),
        (
            "propose_migration",
            json!({"change": "SELECT 1"}),
            "ADD COLUMN",
        ),
        (
            "propose_migration",
            json!({"change": "ALTER TABLE orders DROP COLUMN totl"}),
            "Did you mean total?",
        ),
        (
            "propose_migration",
            json!({"change": "ALTER TABLE orders ADD COLUMN total integer"}),
            "already",
        ),
        (
            "propose_migration",
            json!({"change": "CREATE INDEX x ON orders (totl)"}),
            "Did you mean total?",
        ),
        (
            "propose_migration",
            json!({"change": "DROP TABLE orders; DROP TABLE customers"}),
            "2 statements",
        ),
        (
            "propose_migration",
            json!({"change": "CREATE INDEX x ON orders (id)", "format": "yaml"}),
            "unknown variant `yaml`",
        ),
        (
            "draw_erd",
            json!({"focus": "oders"}),
            "Did you mean orders?",
        ),
        ("draw_erd", json!({"parents": -1}), "invalid value"),
        (
            "draw_erd",
            json!({"format": "gif"}),
            "unknown variant `gif`",
        ),
        (
            "describe_schema",
            json!({"tables": ["oders"]}),
            "Did you mean orders?",
        ),
        (
            "describe_schema",
            json!({"tables": "orders"}),
            "invalid type: string",
        ),
        (
            "check_locks",
            json!({"session": "999999999"}),
            "session \"999999999\" does not exist",
        ),
    ]
}

#[test]
fn a_wrong_call_is_answered_with_cause_and_next_step_on_every_engine() {
    for place in everywhere("bad_input") {
        let mut client = place.client();
        for (tool, arguments, expected) in wrong_calls() {
            let shown = arguments.to_string().chars().take(100).collect::<String>();
            let error = client.refused(tool, arguments);
            assert!(error.starts_with(tool), "{}: {shown}: {error}", place.name);
            assert!(error.contains(expected), "{}: {shown}: {error}", place.name);
            assert!(error.len() < 900, "{}: {shown}: {error}", place.name);
        }
        client.ok(
            "explain_query",
            json!({"sql": "SELECT id FROM orders WHERE id = 1"}),
        );
    }
}

#[test]
fn an_empty_database_is_told_as_such() {
    let place = servers::sqlite("empty");
    let path = servers::folder().join("really_empty.sqlite");
    std::fs::File::create(&path).unwrap();
    let mut client = Client::start(&[
        "-d",
        &format!("empty={}", path.display()),
        "-d",
        &format!("shop={}", place.url),
    ]);
    for tool in ["describe_schema", "draw_erd"] {
        let called = client.ok(tool, json!({"database": "empty"}));
        assert!(called.text.contains("Not seen"), "{}", called.text);
    }
    let error = client.refused(
        "explain_query",
        json!({"database": "empty", "sql": "SELECT * FROM orders"}),
    );
    assert!(error.contains("is it the right one?"), "{error}");
    client.ok("check_locks", json!({"database": "empty"}));
}

#[test]
fn a_file_that_is_no_database_is_told_as_such() {
    let path = servers::folder().join("notes.sqlite");
    std::fs::write(
        &path,
        "These are my notes. They are longer than a header.\n".repeat(100),
    )
    .unwrap();
    let mut client = Client::start(&[
        "-d",
        &format!("notes={}", path.display()),
        "-d",
        "gone=/nowhere/at/all.sqlite",
    ]);
    let error = client.refused("describe_schema", json!({"database": "notes"}));
    assert!(error.contains("is not an SQLite database"), "{error}");
    let error = client.refused("describe_schema", json!({"database": "gone"}));
    assert!(error.contains("does not exist"), "{error}");
}

#[test]
fn a_wrong_password_is_told_without_showing_it() {
    for place in servers::servers("bad_login") {
        let mut url = url::Url::parse(&place.url).unwrap();
        url.set_password(Some("wrong-word-77")).unwrap();
        let mut client = Client::start(&["-d", &format!("shop={url}")]);
        let error = client.refused("describe_schema", json!({}));
        assert!(
            error.contains("refused the login"),
            "{}: {error}",
            place.name
        );
        assert!(
            !error.contains("wrong-word-77") && !error.contains("127.0.0.1"),
            "{}: {error}",
            place.name
        );
    }
}

#[test]
fn a_role_without_rights_is_told_what_it_may_not_see() {
    for place in servers::servers("bad_rights") {
        let (create, user) = if place.engine == "postgresql" {
            (
                "DROP ROLE IF EXISTS nobody_much; CREATE ROLE nobody_much LOGIN PASSWORD 'just-a-word';",
                "nobody_much",
            )
        } else {
            (
                "DROP USER IF EXISTS nobody_much; CREATE USER nobody_much IDENTIFIED BY 'just-a-word'; GRANT SELECT ON bad_rights.* TO nobody_much;",
                "nobody_much",
            )
        };
        servers::run(&place.url, create);
        let mut url = url::Url::parse(&place.url).unwrap();
        url.set_username(user).unwrap();
        url.set_password(Some("just-a-word")).unwrap();
        let mut client = Client::start(&["-d", &format!("shop={url}")]);
        let called = client.call("check_locks", json!({}));
        assert!(!called.text.contains("just-a-word"));
        if place.engine == "postgresql" {
            // Other sessions may be there or not; the catalog is readable by everyone.
            assert!(!called.is_error, "{}: {}", place.name, called.text);
        } else {
            assert!(
                called.text.contains("GRANT PROCESS"),
                "{}: {}",
                place.name,
                called.text
            );
        }
    }
}
