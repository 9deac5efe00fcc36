//! Migrations: what is proposed is run here, on the real server, up, down and up again.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::client::Client;
use crate::servers::{self, Place, block_on, connect, everywhere};

const BACKUP: &str = "nightly dump, restored last week";

/// Changes as one would naively write them, in each engine's words.
fn changes(engine: &str) -> Vec<(&'static str, &'static str)> {
    let not_null = match engine {
        "mysql" | "mariadb" => "ALTER TABLE orders MODIFY COLUMN note varchar(200) NOT NULL",
        _ => "ALTER TABLE orders ALTER COLUMN note SET NOT NULL",
    };
    vec![
        (
            "add column",
            "ALTER TABLE orders ADD COLUMN channel varchar(20)",
        ),
        (
            "add column with default",
            "ALTER TABLE orders ADD COLUMN currency varchar(3) NOT NULL DEFAULT 'NOK'",
        ),
        (
            "add required column",
            "ALTER TABLE orders ADD COLUMN region varchar(20) NOT NULL",
        ),
        (
            "add index",
            "CREATE INDEX orders_status_idx ON orders (status, total)",
        ),
        ("not null", not_null),
        (
            "add foreign key",
            "ALTER TABLE returns ADD CONSTRAINT returns_order_fk FOREIGN KEY (order_id) REFERENCES orders (id)",
        ),
        ("drop column", "ALTER TABLE orders DROP COLUMN note"),
        ("drop table", "DROP TABLE returns"),
    ]
}

fn propose(client: &mut Client, change: &str) -> crate::client::Called {
    client.ok(
        "propose_migration",
        json!({"change": change, "backup": BACKUP}),
    )
}

fn files(answer: &Value, ending: &str) -> Vec<String> {
    answer["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["path"].as_str().unwrap().ends_with(ending))
        .map(|file| file["content"].as_str().unwrap().to_owned())
        .collect()
}

/// Runs a file as psql, mysql and sqlite3 do: one statement after the other, outside a transaction.
fn apply(place: &Place, file: &str) {
    let file = file.replace("<value>", "'filled'");
    let text: Vec<&str> = file
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    let text = text.join("\n");
    block_on(async {
        let mut connection = connect(&place.url).await;
        if place.engine == "sqlite" {
            let ran = sqlx::raw_sql(AssertSqlSafe(text.clone()))
                .execute(&mut connection)
                .await;
            ran.unwrap_or_else(|error| panic!("{}: {error}: {text}", place.name));
        } else {
            for line in text
                .split(";\n")
                .flat_map(|part| part.split("; "))
                .map(str::trim)
                .filter(|part| !part.is_empty())
            {
                let line = line.split(" -- ").next().unwrap();
                // A backfill in batches is repeated until it changes nothing.
                loop {
                    let ran = sqlx::raw_sql(AssertSqlSafe(line.to_owned()))
                        .execute(&mut connection)
                        .await;
                    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}: {line}", place.name));
                    if !line.starts_with("UPDATE") || ran.rows_affected() == 0 {
                        break;
                    }
                }
            }
        }
        connection.close().await.unwrap();
    });
}

fn apply_all(place: &Place, files: &[String]) {
    for file in files {
        apply(place, file);
    }
}

/// The schema as the product tells it, without what changes by itself and without the order of columns.
fn schema(client: &mut Client) -> Value {
    let mut schema = client
        .ok("describe_schema", json!({"detail": "detailed"}))
        .structured["tables"]
        .clone();
    for table in schema.as_array_mut().unwrap() {
        let table = table.as_object_mut().unwrap();
        for key in ["rows", "size_bytes", "stats_age_s"] {
            table.remove(key);
        }
        for index in table["indexes"].as_array_mut().unwrap() {
            index.as_object_mut().unwrap().remove("size_bytes");
        }
        table["columns"]
            .as_array_mut()
            .unwrap()
            .sort_by_key(|column| column["name"].as_str().unwrap().to_owned());
    }
    schema
}

#[test]
fn a3_m1_every_proposal_runs_up_down_and_up_on_the_real_server() {
    std::thread::scope(|scope| {
        for place in everywhere("migrate_run") {
            scope.spawn(move || {
                for (name, change) in changes(place.engine) {
                    let place = fresh(&place, "migrate_run");
                    let mut client = place.client();
                    let before = schema(&mut client);
                    let answer = propose(&mut client, change).structured;
                    let at = format!("{}: {name}", place.name);
                    assert!(
                        answer["phases"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .all(|phase| phase["deploy"].is_string()),
                        "{at}"
                    );
                    let (up, down) = (files(&answer, ".up.sql"), files(&answer, ".down.sql"));
                    assert_eq!(up.len(), down.len(), "{at}");
                    apply_all(&place, &up);
                    let after = schema(&mut client);
                    assert_ne!(before, after, "{at}: up changed nothing");
                    let back: Vec<String> = down.iter().rev().cloned().collect();
                    apply_all(&place, &back);
                    assert_eq!(before, schema(&mut client), "{at}: down");
                    apply_all(&place, &up);
                    assert_eq!(after, schema(&mut client), "{at}: up again");
                    c2_guards_say_that_all_is_done(&place, &answer, &at);
                }
            });
        }
    });
}

/// The same place, filled anew.
fn fresh(place: &Place, name: &str) -> Place {
    let again = if place.engine == "sqlite" {
        servers::sqlite(name)
    } else {
        servers::one(place.name, name)
    };
    assert_eq!(again.name, place.name);
    again
}

fn c2_guards_say_that_all_is_done(place: &Place, answer: &Value, at: &str) {
    for step in answer["phases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phase| phase["steps"].as_array().unwrap())
    {
        let guard = step["guard"].as_str().unwrap();
        if !guard.is_empty() {
            assert_eq!(
                servers::number(
                    &place.url,
                    &format!("SELECT count(*) FROM ({guard}) AS done")
                ),
                1,
                "{at}: {guard}"
            );
        }
    }
}

#[test]
fn n1_nothing_is_dropped_before_the_backup_is_confirmed() {
    for place in everywhere("migrate_backup") {
        let mut client = place.client();
        for change in ["DROP TABLE returns", "ALTER TABLE orders DROP COLUMN note"] {
            let called = client.ok("propose_migration", json!({"change": change}));
            assert_eq!(
                called.structured["questions"][0]["id"], "backup",
                "{}: {}",
                place.name, called.text
            );
            assert_eq!(
                called.structured["phases"],
                json!([]),
                "{}: {}",
                place.name,
                called.text
            );
            assert_eq!(called.structured["files"], json!([]), "{}", place.name);
            let called = client.ok(
                "propose_migration",
                json!({"change": change, "backup": BACKUP}),
            );
            assert!(
                called.text.contains("DROP"),
                "{}: {}",
                place.name,
                called.text
            );
        }
    }
}

#[test]
fn c5_a_column_goes_only_after_a_deprecation_period() {
    for place in everywhere("migrate_deprecate") {
        let answer = propose(&mut place.client(), "ALTER TABLE orders DROP COLUMN note").structured;
        let deploys: Vec<&str> = answer["phases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|phase| phase["deploy"].as_str().unwrap())
            .collect();
        assert_eq!(deploys, ["with_code", "later_release"], "{}", place.name);
        assert_eq!(answer["reversible"], "schema_only", "{}", place.name);
    }
}

#[test]
fn m2_m4_a_required_column_is_added_filled_and_then_required() {
    for place in everywhere("migrate_required") {
        let called = propose(
            &mut place.client(),
            "ALTER TABLE orders ADD COLUMN region varchar(20) NOT NULL",
        );
        let answer = &called.structured;
        assert_eq!(
            answer["verdict"], "unsafe",
            "{}: {}",
            place.name, called.text
        );
        assert_eq!(answer["questions"][0]["id"], "backfill", "{}", place.name);
        let steps: Vec<&str> = answer["phases"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|phase| phase["steps"].as_array().unwrap())
            .map(|step| step["up"].as_str().unwrap())
            .collect();
        let position = |word: &str| {
            steps
                .iter()
                .position(|up| up.contains(word))
                .unwrap_or_else(|| panic!("{word}: {}", called.text))
        };
        let last = steps
            .iter()
            .rposition(|up| up.to_uppercase().contains("NOT NULL"))
            .unwrap();
        assert!(
            position("ADD COLUMN") < position("UPDATE") && position("UPDATE") < last,
            "{}: {}",
            place.name,
            called.text
        );
    }
}

#[test]
fn m3_rows_that_break_the_rule_are_counted_on_the_live_table() {
    for place in everywhere("migrate_facts") {
        let change = changes(place.engine)
            .into_iter()
            .find(|(name, _)| *name == "not null")
            .unwrap()
            .1;
        let called = propose(&mut place.client(), change);
        let finding = called.structured["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["rule"] == "rows-break-the-rule");
        let finding = finding.unwrap_or_else(|| panic!("{}: {}", place.name, called.text));
        assert_eq!(finding["evidence"][0]["value"], "18000", "{}", place.name);
        assert_eq!(
            finding["evidence"][0]["source"], "measured",
            "{}",
            place.name
        );
    }
}

#[test]
fn q2_m6_the_checklist_and_the_order_of_deployment_are_in_the_text() {
    for place in everywhere("migrate_text") {
        let called = propose(
            &mut place.client(),
            "CREATE INDEX orders_status_idx ON orders (status)",
        );
        for word in [
            "Checklist",
            "reversible",
            "before the code",
            "down: ",
            "Files",
        ] {
            assert!(
                called.text.contains(word),
                "{}: {word}: {}",
                place.name,
                called.text
            );
        }
        if place.engine == "postgresql" {
            assert!(
                called.text.contains("CREATE INDEX CONCURRENTLY"),
                "{}",
                called.text
            );
            assert_eq!(
                called.structured["phases"][0]["steps"][0]["transactional"],
                false
            );
        }
    }
}

#[test]
fn a3_on_sqlite_the_proof_is_run() {
    let place = servers::sqlite("migrate_proof");
    for (name, change) in changes("sqlite") {
        let called = propose(&mut place.client(), change);
        let proof = &called.structured["proof"];
        assert_eq!(
            (&proof["up_down_up"], &proof["schema_equal"]),
            (&json!(true), &json!(true)),
            "{name}: {}",
            called.text
        );
        assert_eq!(
            proof["rerun_after_each_step"], true,
            "{name}: {}",
            called.text
        );
        assert_eq!(proof["rows_kept"], true, "{name}: {}", called.text);
        assert!(
            proof["ran_on"].as_str().unwrap().contains("memory"),
            "{name}"
        );
    }
}

#[test]
fn a3_on_a_scratch_server_the_proof_is_run() {
    std::thread::scope(|scope| {
        for place in servers::servers("migrate_scratch") {
            scope.spawn(move || {
                let [flag, named] = place.arguments();
                let scratch = format!("shop={}", place.scratch());
                let mut client = Client::start(&[&flag, &named, "--scratch", &scratch]);
                let before = schema(&mut client);
                for (name, change) in changes(place.engine) {
                    let called = propose(&mut client, change);
                    let proof = &called.structured["proof"];
                    for key in [
                        "up_down_up",
                        "schema_equal",
                        "rows_kept",
                        "rerun_after_each_step",
                    ] {
                        assert_eq!(
                            proof[key], true,
                            "{}: {name}: {key}: {}",
                            place.name, called.text
                        );
                    }
                    assert!(
                        proof["ran_on"]
                            .as_str()
                            .unwrap()
                            .starts_with("the scratch server"),
                        "{}: {name}",
                        place.name
                    );
                }
                assert_eq!(before, schema(&mut client), "{}", place.name);
            });
        }
    });
}

/// The sample of a large parent lacks some that its children point at; a key that holds on the live tables is no
/// failure for that.
#[test]
fn a_foreign_key_to_a_table_of_which_a_part_is_copied_is_proved() {
    for place in servers::servers("migrate_parents") {
        let key = match place.engine {
            "postgresql" => "CONSTRAINT returns_order_id_line_no_fkey",
            _ => "FOREIGN KEY returns_ibfk_1",
        };
        servers::run(&place.url, &format!("ALTER TABLE returns DROP {key}"));
        servers::run(
            &place.url,
            "INSERT INTO returns (id, order_id, line_no) SELECT id, id, 1 FROM orders WHERE id % 7 = 0",
        );
        let [flag, named] = place.arguments();
        let scratch = format!("shop={}", place.scratch());
        let mut client = Client::start(&[&flag, &named, "--scratch", &scratch]);
        let called = propose(
            &mut client,
            "ALTER TABLE returns ADD CONSTRAINT returns_order_fk FOREIGN KEY (order_id) REFERENCES orders (id)",
        );
        let proof = &called.structured["proof"];
        assert_eq!(proof["up_down_up"], true, "{}: {}", place.name, called.text);
        // One that does not hold there fails as it would; the others' steps do not check the rows.
        if place.engine != "postgresql" {
            continue;
        }
        servers::run(
            &place.url,
            "INSERT INTO returns (id, order_id, line_no) VALUES (999999, 999999, 1)",
        );
        let called = propose(
            &mut client,
            "ALTER TABLE returns ADD CONSTRAINT returns_order_fk FOREIGN KEY (order_id) REFERENCES orders (id)",
        );
        let proof = &called.structured["proof"];
        assert_eq!(
            proof["up_down_up"], false,
            "{}: {}",
            place.name, called.text
        );
    }
}

/// A rebuilt table keeps what stood on it.
#[test]
fn a_rebuilt_table_keeps_triggers_indexes_and_rows() {
    let place = servers::sqlite("migrate_rebuild");
    let mut client = place.client();
    let answer = propose(
        &mut client,
        "ALTER TABLE orders ALTER COLUMN note SET NOT NULL",
    )
    .structured;
    apply_all(&place, &files(&answer, ".up.sql"));
    assert_eq!(
        servers::number(&place.url, "SELECT count(*) FROM orders"),
        20_000
    );
    assert_eq!(
        servers::number(
            &place.url,
            "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"
        ),
        1
    );
    assert_eq!(
        servers::number(&place.url, "SELECT count(*) FROM pragma_foreign_key_check"),
        0
    );
    let table = client
        .ok("describe_schema", json!({"tables": ["orders"]}))
        .structured["tables"][0]
        .clone();
    assert_eq!(table["indexes"].as_array().unwrap().len(), 3, "{table}");
    assert_eq!(table["columns"][3]["nullable"], false, "{table}");
}
