//! Catalogs are exact, on every engine: held against the fixture, and against counts taken straight from
//! the server's own catalog.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::servers::{self, Place, everywhere};

fn table<'a>(schema: &'a Value, name: &str) -> &'a Value {
    schema["tables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|table| table["name"] == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

fn column<'a>(table: &'a Value, name: &str) -> &'a Value {
    table["columns"]
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["name"] == name)
        .unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[test]
fn describe_schema_tells_columns_keys_and_indexes() {
    for place in everywhere("catalog_describe") {
        let schema = place
            .client()
            .ok("describe_schema", json!({"detail": "detailed"}))
            .structured;
        let at = place.name;
        assert_eq!(schema["engine"], place.engine, "{at}");
        let mut tables = names(&schema["tables"]);
        tables.retain(|name| *name != "invoices");
        tables.sort_unstable();
        assert_eq!(
            tables,
            [
                "customers",
                "events",
                "open_orders",
                "order_items",
                "orders",
                "product_tags",
                "products",
                "profiles",
                "returns",
                "tags"
            ],
            "{at}"
        );
        let customers = table(&schema, "customers");
        assert_eq!(
            names(&customers["columns"]),
            [
                "id",
                "email",
                "full_name",
                "referred_by",
                "mood",
                "created_at"
            ],
            "{at}"
        );
        assert_eq!(customers["primary_key"], json!(["id"]), "{at}");
        assert_eq!(customers["unique"], json!([["email"]]), "{at}");
        assert!(
            column(customers, "id")["identity"].is_string(),
            "{at}: {customers}"
        );
        assert_eq!(column(customers, "email")["nullable"], false, "{at}");
        assert_eq!(column(customers, "mood")["nullable"], true, "{at}");
        assert!(
            column(customers, "created_at")["default"].is_string(),
            "{at}"
        );
        assert!(
            customers["checks"].to_string().contains('@'),
            "{at}: {}",
            customers["checks"]
        );
        let own = &customers["foreign_keys"][0];
        assert_eq!(
            (&own["columns"], &own["on_delete"]),
            (&json!(["referred_by"]), &json!("SET NULL")),
            "{at}"
        );
        assert!(
            own["references"].as_str().unwrap().ends_with("customers"),
            "{at}"
        );
        let price = column(table(&schema, "products"), "price_with_vat");
        assert!(
            price["generated"]
                .as_str()
                .is_some_and(|text| text.contains("1.25")),
            "{at}: {price}"
        );
        let composite = &table(&schema, "returns")["foreign_keys"];
        assert_eq!(composite.as_array().unwrap().len(), 1, "{at}");
        assert_eq!(
            composite[0]["columns"],
            json!(["order_id", "line_no"]),
            "{at}"
        );
        assert_eq!(
            composite[0]["referenced_columns"],
            json!(["order_id", "line_no"]),
            "{at}"
        );
        assert_eq!(table(&schema, "open_orders")["kind"], "view", "{at}");
        let rows = table(&schema, "orders")["rows"].as_i64().unwrap();
        assert!((15_000..=25_000).contains(&rows), "{at}: {rows} rows");
        assert!(
            table(&schema, "orders")["size_bytes"].as_i64().unwrap() > 100_000,
            "{at}"
        );
    }
}

#[test]
fn what_only_one_engine_has_is_told_too() {
    for place in everywhere("catalog_special") {
        let schema = place
            .client()
            .ok("describe_schema", json!({"detail": "detailed"}))
            .structured;
        let orders = table(&schema, "orders");
        let index = |name: &str| {
            orders["indexes"]
                .as_array()
                .unwrap()
                .iter()
                .find(|index| index["name"] == name)
                .cloned()
        };
        match place.engine {
            "postgresql" => {
                let partial = index("orders_cancelled_idx").unwrap();
                assert!(
                    partial["predicate"].as_str().unwrap().contains("cancelled"),
                    "{partial}"
                );
                assert_eq!(partial["keys"], json!(["placed_at desc"]));
                assert_eq!(
                    index("orders_customer_id_idx").unwrap()["include"],
                    json!(["total"])
                );
                let events = table(&schema, "events");
                assert_eq!(events["kind"], "partitioned table");
                assert_eq!(
                    events["children"],
                    json!(["public.events_2025", "public.events_2026"])
                );
                assert_eq!(
                    table(&schema, "invoices")["foreign_keys"][0]["references"],
                    "public.orders"
                );
                let customers = table(&schema, "customers");
                assert_eq!(customers["comment"], "People who buy");
                assert_eq!(column(customers, "mood")["comment"], "As they told us");
                assert!(
                    customers["indexes"]
                        .to_string()
                        .contains("lower(full_name)")
                );
            }
            "sqlite" => {
                assert!(
                    index("orders_cancelled_idx").unwrap()["predicate"]
                        .as_str()
                        .unwrap()
                        .contains("cancelled")
                );
                assert_eq!(orders["triggers"], json!(["orders_total_check"]));
                assert!(
                    table(&schema, "customers")["indexes"]
                        .to_string()
                        .contains("lower(full_name)")
                );
            }
            _ => {
                assert_eq!(
                    index("orders_note_prefix_idx").unwrap()["keys"],
                    json!(["note(10)"])
                );
                assert!(
                    table(&schema, "events")["partitioned_by"]
                        .as_str()
                        .unwrap()
                        .to_lowercase()
                        .contains("range")
                );
                let customers = table(&schema, "customers");
                assert_eq!(customers["comment"], "People who buy");
                assert_eq!(column(customers, "mood")["comment"], "As they told us");
            }
        }
    }
}

/// Tables, foreign keys, self-references and many-to-many tables, counted by the server itself.
fn counted(place: &Place) -> [i64; 3] {
    let schema = "(SELECT DATABASE())";
    let queries = match place.engine {
        "postgresql" => [
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname IN ('public', 'billing')".to_owned(),
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0".to_owned(),
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND conrelid = confrelid".to_owned(),
        ],
        "sqlite" => [
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'".to_owned(),
            "SELECT count(DISTINCT m.name || '.' || k.id) FROM sqlite_schema m, pragma_foreign_key_list(m.name) k WHERE m.type = 'table'".to_owned(),
            "SELECT count(DISTINCT m.name || '.' || k.id) FROM sqlite_schema m, pragma_foreign_key_list(m.name) k WHERE m.type = 'table' AND k.\"table\" = m.name".to_owned(),
        ],
        _ => [
            format!("SELECT count(*) FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = {schema}"),
            format!("SELECT count(*) FROM information_schema.referential_constraints WHERE constraint_schema = {schema}"),
            format!("SELECT count(*) FROM information_schema.referential_constraints WHERE constraint_schema = {schema} AND table_name = referenced_table_name"),
        ],
    };
    queries.map(|query| servers::number(&place.url, &query))
}

#[test]
fn d5_the_erd_holds_every_table_and_relationship_that_the_catalog_counts() {
    for place in everywhere("catalog_erd") {
        let only = json!({"schemas": match place.engine {
            "postgresql" => vec!["public", "billing"],
            "sqlite" => Vec::new(),
            _ => vec!["catalog_erd"],
        }});
        let erd = place.client().ok("draw_erd", only);
        let relationships = erd.structured["relationships"].as_array().unwrap().clone();
        let own = relationships
            .iter()
            .filter(|relationship| relationship["self"] == true)
            .count();
        let drawn = [
            erd.structured["tables"].as_array().unwrap().len(),
            relationships.len(),
            own,
        ]
        .map(|n| n as i64);
        assert_eq!(drawn, counted(&place), "{}", place.name);
        assert_eq!(
            erd.structured["many_to_many"],
            json!([{"through": "product_tags", "between": ["products", "tags"]}]),
            "{}",
            place.name
        );
        let one_to_one: BTreeSet<_> = relationships
            .iter()
            .filter(|relationship| relationship["cardinality"] == "1:1")
            .map(|relationship| relationship["from"]["table"].as_str().unwrap())
            .collect();
        assert_eq!(one_to_one, BTreeSet::from(["profiles"]), "{}", place.name);
        for relationship in &relationships {
            let from = relationship["from"]["table"].as_str().unwrap();
            let to = relationship["to"]["table"].as_str().unwrap();
            let line = erd
                .text
                .lines()
                .any(|line| line.contains(from) && line.contains(to));
            assert!(line, "{}: {from} → {to} is not listed", place.name);
        }
        assert!(
            erd.structured["diagram"]
                .as_str()
                .unwrap()
                .lines()
                .all(|line| line.chars().count() <= 100),
            "{}",
            place.name
        );
    }
}

#[test]
fn the_erd_is_drawn_as_mermaid_too() {
    for place in everywhere("catalog_mermaid") {
        let erd = place
            .client()
            .ok("draw_erd", json!({"format": "mermaid", "focus": "orders"}));
        let diagram = erd.structured["diagram"].as_str().unwrap();
        assert!(
            diagram.starts_with("erDiagram"),
            "{}: {diagram}",
            place.name
        );
        assert!(
            diagram.contains(" ||--o{ ") && diagram.contains("\"customer_id\""),
            "{}: {diagram}",
            place.name
        );
    }
}
