//! Names find their tables.

use super::*;
use crate::catalog::Column;

fn catalog() -> Catalog {
    let table = |name: &str, columns: &[&str]| Table {
        name: name.to_owned(),
        rows: Some(100_000),
        columns: columns
            .iter()
            .map(|column| Column {
                name: (*column).to_owned(),
                data_type: "integer".to_owned(),
                ..Column::default()
            })
            .collect(),
        ..Table::default()
    };
    Catalog {
        default_schema: String::new(),
        tables: vec![
            table("customers", &["id", "country", "email"]),
            table(
                "orders",
                &["id", "customer_id", "status", "total", "placed_at"],
            ),
        ],
    }
}

/// Each use in one line: what an index could be made of.
fn told(sql: &str) -> Vec<String> {
    let catalog = catalog();
    let statement = crate::statement::Statement::parse(sql, Dialect::Postgres).unwrap();
    let name = |key: &Key| match key {
        Key::Column(name) => name.clone(),
        Key::Expression(text) => format!("({text})"),
    };
    uses(&statement.ast, &catalog, Dialect::Postgres)
        .iter()
        .map(|used| {
            let mut line = used.alias.clone();
            for condition in &used.conditions {
                line.push_str(&format!(" {:?} {}", condition.kind, name(&condition.key)));
            }
            for join in &used.joins {
                line.push_str(&format!(" join {}", join.column));
            }
            for (key, descending) in &used.order {
                line.push_str(&format!(
                    " order {}{}",
                    name(key),
                    if *descending { " desc" } else { "" }
                ));
            }
            for key in &used.group {
                line.push_str(&format!(" group {}", name(key)));
            }
            for arms in &used.alternatives {
                line.push_str(&format!(" or of {}", arms.len()));
            }
            let needed: Vec<&str> = used.needed.iter().map(String::as_str).collect();
            line.push_str(&if used.whole_row {
                " all".to_owned()
            } else {
                format!(" [{}]", needed.join(" "))
            });
            line
        })
        .collect()
}

#[test]
fn aliases_subqueries_and_with_lead_to_the_table() {
    assert_eq!(
        told(
            "SELECT o.total FROM orders AS o WHERE status = 'x' AND o.placed_at > 5 ORDER BY placed_at DESC LIMIT 3"
        ),
        ["o Equal status Range placed_at order placed_at desc [placed_at status total]"]
    );
    assert_eq!(
        told(
            "WITH a AS (SELECT * FROM orders) SELECT a.id FROM (SELECT id, status AS s FROM a) AS a WHERE s = 'x'"
        ),
        ["orders Equal status [id status]"]
    );
    assert_eq!(
        told(
            "SELECT c.email FROM customers c WHERE EXISTS (SELECT * FROM orders o WHERE o.customer_id = c.id AND total > 9)"
        ),
        [
            "c join id [email id]",
            "o Range total join customer_id [customer_id total]"
        ]
    );
}

#[test]
fn joins_are_found_however_they_are_written() {
    let one = [
        "c Equal country join id [country id]",
        "o join customer_id [customer_id total]",
    ];
    assert_eq!(
        told(
            "SELECT sum(o.total) FROM customers c JOIN orders o ON c.id = o.customer_id WHERE country = 'NO'"
        ),
        one
    );
    assert_eq!(
        told(
            "SELECT sum(o.total) FROM customers c, orders o WHERE c.id = o.customer_id AND c.country = 'NO'"
        ),
        one
    );
    assert_eq!(
        told(
            "SELECT total FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE country = 'NO')"
        ),
        [
            "orders join customer_id [customer_id total]",
            "customers Equal country join id [country id]"
        ]
    );
    assert_eq!(
        told("SELECT total FROM orders JOIN customers USING (id)"),
        ["orders join id [id total]", "customers join id [id]"]
    );
    // What is equal to a constant is so on the other side, too.
    assert_eq!(
        told("SELECT total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.id = 7"),
        [
            "o Equal customer_id join customer_id [customer_id total]",
            "c Equal id join id [id]"
        ]
    );
}

#[test]
fn rows_are_compared_column_by_column() {
    assert_eq!(
        told("SELECT id FROM orders WHERE (customer_id, status) = (7, 'x')"),
        ["orders Equal customer_id Equal status [customer_id id status]"]
    );
    assert_eq!(
        told(
            "SELECT id FROM orders WHERE (placed_at, id) < (5, 7) ORDER BY placed_at DESC, id DESC LIMIT 9"
        ),
        ["orders Range placed_at order placed_at desc order id desc [id placed_at]"]
    );
}

#[test]
fn names_of_the_output_stand_for_what_they_name() {
    assert_eq!(
        told("SELECT status AS s, count(*) FROM orders GROUP BY s ORDER BY 1"),
        ["orders order status group status [status]"]
    );
    assert_eq!(
        told("SELECT lower(email) AS e FROM customers WHERE lower(email) = 'x' ORDER BY e"),
        ["customers Equal (lower(email)) order (lower(email)) [email]"]
    );
    assert_eq!(
        told("SELECT id FROM orders WHERE status = 'x' OR (total > 5 AND customer_id = 3)"),
        ["orders or of 2 [customer_id id status total]"]
    );
    assert_eq!(told("SELECT max(total) FROM orders"), ["orders [total]"]);
    assert_eq!(told("SELECT * FROM orders"), ["orders all"]);
}
