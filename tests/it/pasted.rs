//! Plans that were pasted: as text they say the same as the server's own JSON, and what is no plan is refused.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::client::Client;
use crate::servers::{self, block_on, connect, everywhere, fixture_text};

const STATEMENTS: &[&str] = &[
    "SELECT id FROM orders WHERE total > 19000 ORDER BY total DESC LIMIT 5",
    "SELECT customers.email, count(*) FROM customers JOIN orders ON orders.customer_id = customers.id WHERE orders.status = 'pending' GROUP BY customers.email",
    "SELECT customers.id FROM customers LEFT JOIN orders ON orders.customer_id = customers.id AND orders.total > 19000 WHERE orders.id IS NULL",
    "SELECT id, (SELECT max(total) FROM orders WHERE orders.customer_id = customers.id) FROM customers WHERE id < 20",
    "SELECT id FROM customers WHERE EXISTS (SELECT 1 FROM orders WHERE orders.customer_id = customers.id AND total > 19990)",
    "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE total < 500)",
    "SELECT id FROM orders WHERE id < 10 UNION SELECT id FROM customers WHERE id < 10",
    "SELECT id FROM orders WHERE id IN (1, 2, 3) OR customer_id = 7",
    "WITH big AS (SELECT customer_id, sum(total) AS s FROM orders GROUP BY customer_id) SELECT count(*) FROM big WHERE s > 1000",
    "SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY total) FROM orders WHERE id < 500",
    "SELECT DISTINCT status FROM orders",
    "SELECT count(*) FROM orders WHERE note LIKE '%door%' AND total BETWEEN 5 AND 500",
];

/// Everything that EXPLAIN gives, a line for each row.
fn explained(url: &str, statement: &str) -> String {
    block_on(async {
        if url.starts_with("postgres") {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let rows = sqlx::query(AssertSqlSafe(statement.to_owned()))
                .fetch_all(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            let cell = |row: &sqlx::postgres::PgRow| {
                row.try_get::<String, _>(0)
                    .unwrap_or_else(|_| row.get::<Value, _>(0).to_string())
            };
            return rows.iter().map(cell).collect::<Vec<_>>().join("\n");
        }
        let mut connection = connect(url).await;
        let row = sqlx::query(AssertSqlSafe(statement.to_owned()))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        row.try_get::<String, _>(0)
            .unwrap_or_else(|_| String::from_utf8(row.get::<Vec<u8>, _>(0)).unwrap())
    })
}

/// What two forms of one plan must agree in.
fn shape(client: &mut Client, plan: &str, fields: &[&str]) -> Vec<Vec<Value>> {
    let called = client.ok("explain_query", json!({ "plan": plan }));
    let nodes = called.structured["plan"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| fields.iter().map(|field| node[*field].clone()).collect())
        .collect()
}

#[test]
fn the_text_of_postgresql_says_what_its_json_says() {
    let fields = [
        "parent",
        "operation",
        "relation",
        "index",
        "condition",
        "filter",
        "estimated_rows",
        "actual_rows",
        "loops",
        "cost",
    ];
    for place in servers::servers("pasted_text")
        .into_iter()
        .filter(|place| place.engine == "postgresql")
    {
        let mut client = place.client();
        for statement in STATEMENTS {
            for options in [
                "ANALYZE, BUFFERS, TIMING OFF",
                "ANALYZE, VERBOSE",
                "VERBOSE",
            ] {
                let text = explained(&place.url, &format!("EXPLAIN ({options}) {statement}"));
                let json = explained(
                    &place.url,
                    &format!("EXPLAIN ({options}, FORMAT JSON) {statement}"),
                );
                assert_eq!(
                    shape(&mut client, &text, &fields),
                    shape(&mut client, &json, &fields),
                    "{}: {text}",
                    place.name
                );
                // As psql prints it.
                let framed = format!(
                    "                QUERY PLAN\n------------------\n {}\n(9 rows)\n",
                    text.replace('\n', "\n ")
                );
                assert_eq!(
                    shape(&mut client, &framed, &fields),
                    shape(&mut client, &json, &fields),
                    "{}: {framed}",
                    place.name
                );
            }
        }
    }
}

#[test]
fn the_tree_of_mysql_says_what_its_json_says() {
    let fields = [
        "parent",
        "operation",
        "index",
        "filter",
        "actual_rows",
        "loops",
    ];
    for place in servers::servers("pasted_tree")
        .into_iter()
        .filter(|place| place.name == "mysql")
    {
        let mut client = place.client();
        for statement in STATEMENTS {
            let tree = explained(&place.url, &format!("EXPLAIN ANALYZE {statement}"));
            block_on(async {
                let mut connection = connect(&place.url).await;
                sqlx::raw_sql("SET SESSION explain_json_format_version = 2")
                    .execute(&mut connection)
                    .await
                    .unwrap();
                let row = sqlx::query(AssertSqlSafe(format!(
                    "EXPLAIN ANALYZE FORMAT=JSON {statement}"
                )))
                .fetch_one(&mut connection)
                .await
                .unwrap();
                let json = row
                    .try_get::<String, _>(0)
                    .unwrap_or_else(|_| String::from_utf8(row.get::<Vec<u8>, _>(0)).unwrap());
                let (of_tree, of_json) = (
                    shape(&mut client, &tree, &fields),
                    shape(&mut client, &json, &fields),
                );
                assert_eq!(of_tree.len(), of_json.len(), "{tree}\n{json}");
                for (own, other) in of_tree.iter().zip(&of_json) {
                    // Rows are rounded in the text, and two runs of one statement are alike.
                    assert_eq!(own[..4], other[..4], "{tree}\n{json}");
                }
                connection.close().await.unwrap();
            });
        }
    }
}

#[test]
fn every_form_of_mysql_is_read() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/plans/mysql97");
    let mut client = Client::start(&[]);
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let plan = fixture_text(&format!("plans/mysql97/{name}"));
        let called = client.ok("explain_query", json!({ "plan": plan }));
        assert_eq!(
            called.structured["engine"], "mysql",
            "{name}: {}",
            called.text
        );
        assert!(
            !called.structured["plan"].as_array().unwrap().is_empty(),
            "{name}"
        );
        read += 1;
    }
    assert!(read > 50, "{read}");
}

#[test]
fn a_plan_of_sqlite_is_read_as_the_shell_draws_it() {
    let place = servers::sqlite("pasted_sqlite");
    let mut client = place.client();
    let tree = "QUERY PLAN\n|--SCAN customers\n|--SEARCH orders USING INDEX orders_customer_idx (customer_id=?)\n`--USE TEMP B-TREE FOR ORDER BY\n";
    let called = client.ok("explain_query", json!({ "plan": tree }));
    assert_eq!(called.structured["engine"], "sqlite");
    let operations: Vec<_> = called.structured["plan"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["operation"].as_str().unwrap())
        .collect();
    assert_eq!(
        operations,
        [
            "Temporary B-tree for ORDER BY",
            "Nested loop",
            "Table scan",
            "Index search"
        ]
    );
}

#[test]
fn a_plan_needs_no_database_and_a_database_tells_more() {
    let plan = "Seq Scan on orders  (cost=0.00..459.00 rows=20 width=8) (actual time=0.01..5.0 rows=20 loops=1)\n  Filter: (status = 'pending'::text)\n  Rows Removed by Filter: 19980";
    let called = Client::start(&[]).ok("explain_query", json!({ "plan": plan }));
    assert!(
        called.structured["skipped"]
            .to_string()
            .contains("tables behind the plan"),
        "{}",
        called.text
    );
    assert_eq!(
        called.structured["findings"][0]["rule"], "filter-discards-rows",
        "{}",
        called.text
    );
    for place in everywhere("pasted_with")
        .into_iter()
        .filter(|place| place.engine == "postgresql")
    {
        let sql = "SELECT id FROM orders WHERE status = 'pending'";
        let called = place
            .client()
            .ok("explain_query", json!({ "plan": plan, "sql": sql }));
        assert!(
            !called.structured["skipped"]
                .to_string()
                .contains("tables behind the plan"),
            "{}",
            called.text
        );
        assert_eq!(
            called.structured["findings"][0]["object"], "public.orders",
            "{}",
            called.text
        );
    }
}

#[test]
fn what_is_no_plan_is_refused_with_what_would_be_one() {
    let mut client = Client::start(&[]);
    let mut deep: Vec<String> = (0..700)
        .map(|n| format!("{}->  Limit  (cost=0..1 rows=1 width=1)", " ".repeat(n)))
        .collect();
    deep.push("Seq Scan on t  (cost=0..1 rows=1 width=1)".to_owned());
    let deep = deep.join("\n");
    let nested = format!("{}{}", "[{\"Plan\":{\"Plans\":".repeat(5000), "]}}");
    for plan in [
        "hello",
        "SELECT 1",
        "{}",
        "[]",
        "{\"query_block\": 5}",
        "\u{0}\u{0}",
        "-> ",
        "id|select_type",
        "|--",
        &deep,
        &nested,
    ] {
        let refused = client.refused("explain_query", json!({ "plan": plan }));
        assert!(refused.contains("EXPLAIN"), "{plan:.60}: {refused}");
    }
    assert!(
        client
            .refused(
                "explain_query",
                json!({ "plan": "SCAN t", "engine": "oracle" })
            )
            .contains("postgresql, mysql, mariadb or sqlite")
    );
    assert!(
        client
            .refused(
                "explain_query",
                json!({ "plan": "SCAN t", "analyze": true })
            )
            .contains("analyze")
    );
    assert!(client.refused("explain_query", json!({})).contains("sql"));
}
