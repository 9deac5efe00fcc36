//! What the role may do is read at first contact, and said; a role that may only read is enough.

use serde_json::json;

use crate::client::Client;
use crate::servers::{self, Place, run};

const PASSWORD: &str = "only-reads-7f3a";

/// The findings that speak of the role.
fn excess(structured: &serde_json::Value) -> Vec<&serde_json::Value> {
    structured["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["rule"] == "role-may-write")
        .collect()
}

#[test]
fn a_role_that_may_write_is_named_once_with_the_one_to_use() {
    for place in servers::servers("role_excess") {
        let mut client = place.client();
        for (tool, arguments) in [
            ("describe_schema", json!({})),
            ("draw_erd", json!({})),
            ("check_locks", json!({})),
            ("explain_query", json!({"sql": "SELECT id FROM orders"})),
            (
                "propose_migration",
                json!({"change": "CREATE INDEX x ON orders (status)"}),
            ),
        ] {
            let called = client.ok(tool, arguments);
            let found = excess(&called.structured);
            assert_eq!(found.len(), 1, "{}: {tool}: {}", place.name, called.text);
            assert!(found[0]["sql"][0].as_str().unwrap().starts_with("CREATE "));
        }
    }
}

/// Runs the statements that the finding gives, as they are, but for the password and the name.
fn make_reader(place: &Place, name: &str) -> String {
    let called = place.client().ok("describe_schema", json!({}));
    let statements: Vec<String> = excess(&called.structured)[0]["sql"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sql| {
            sql.as_str()
                .unwrap()
                .replace("<password>", PASSWORD)
                .replace("dbops", name)
        })
        .collect();
    let drop = if place.engine == "postgresql" {
        format!(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN DROP OWNED BY {name}; DROP ROLE {name}; END IF; END $$"
        )
    } else {
        format!("DROP USER IF EXISTS '{name}'@'%'")
    };
    run(&place.url, &drop);
    for statement in &statements {
        run(&place.url, statement);
    }
    let mut url = url::Url::parse(&place.url).unwrap();
    url.set_username(name).unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    url.into()
}

#[test]
fn the_role_that_is_proposed_is_enough_and_passes() {
    for place in servers::servers("role_reader") {
        let url = make_reader(&place, "role_reader_7");
        let database = format!("shop={url}");
        let mut client = Client::start(&["--require-least-privilege", "--database", &database]);
        for (tool, arguments) in [
            ("describe_schema", json!({})),
            ("draw_erd", json!({})),
            ("check_locks", json!({})),
            (
                "explain_query",
                json!({"sql": "SELECT id FROM orders WHERE total > 19000", "analyze": true}),
            ),
            (
                "propose_migration",
                json!({"change": "CREATE INDEX x ON orders (status)"}),
            ),
        ] {
            let called = client.ok(tool, arguments);
            assert!(
                excess(&called.structured).is_empty(),
                "{}: {}",
                place.name,
                called.text
            );
        }
        let called = client.ok("describe_schema", json!({}));
        assert!(
            called.structured["tables"].as_array().unwrap().len() >= 10,
            "{}: {}",
            place.name,
            called.text
        );
        assert!(!called.text.contains(PASSWORD));
    }
}

#[test]
fn a_role_that_may_write_is_refused_where_that_is_asked_for() {
    for place in servers::servers("role_refused") {
        let arguments = place.arguments();
        let mut client =
            Client::start(&["--require-least-privilege", &arguments[0], &arguments[1]]);
        let error = client.refused("describe_schema", json!({}));
        assert!(error.contains("--require-least-privilege"), "{error}");
        assert!(error.contains("GRANT "), "{error}");
    }
    let place = servers::sqlite("role_sqlite");
    let arguments = place.arguments();
    let mut client = Client::start(&["--require-least-privilege", &arguments[0], &arguments[1]]);
    client.ok("describe_schema", json!({}));
}

#[test]
fn a_right_to_one_column_a_sequence_or_a_schema_is_a_right_to_write() {
    for place in servers::servers("role_little") {
        if place.engine != "postgresql" {
            continue;
        }
        let url = make_reader(&place, "role_little_7");
        let database = format!("shop={url}");
        for (give, take, said) in [
            (
                "GRANT UPDATE (status) ON orders TO role_little_7",
                "REVOKE UPDATE (status) ON orders FROM role_little_7",
                "may write to tables",
            ),
            (
                "CREATE SEQUENCE counted; GRANT USAGE ON SEQUENCE counted TO role_little_7",
                "DROP SEQUENCE counted",
                "may move sequences on",
            ),
            (
                "CREATE SCHEMA made; GRANT CREATE ON SCHEMA made TO role_little_7",
                "DROP SCHEMA made",
                "may create objects",
            ),
        ] {
            run(&place.url, give);
            let mut client = Client::start(&["--database", &database]);
            let called = client.ok("describe_schema", json!({}));
            let found = excess(&called.structured);
            assert!(
                found
                    .first()
                    .is_some_and(|finding| finding.to_string().contains(said)),
                "{}: {give}: {found:?}",
                place.name
            );
            run(&place.url, take);
        }
    }
}
