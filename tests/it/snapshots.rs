//! Answers as they read: a changed word is a reviewed difference. All on the embedded sample.

use serde_json::json;

use crate::client::Client;

fn answers(name: &str, tool: &str, arguments: serde_json::Value) {
    let text = Client::start(&[]).ok(tool, arguments).text;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"sqlite \d+\.\d+\.\d+", "sqlite [version]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn describe_schema_reads_well() {
    answers("describe_schema", "describe_schema", json!({}));
    answers(
        "describe_schema_detailed",
        "describe_schema",
        json!({"tables": ["orders"], "detail": "detailed"}),
    );
}

#[test]
fn draw_erd_reads_well() {
    answers("draw_erd", "draw_erd", json!({}));
    answers("draw_erd_focus", "draw_erd", json!({"focus": "orders"}));
    answers("draw_erd_mermaid", "draw_erd", json!({"format": "mermaid"}));
}

#[test]
fn explain_query_reads_well() {
    answers(
        "explain_query",
        "explain_query",
        json!({"sql": "SELECT * FROM orders WHERE status = 'pending' AND placed_at >= '2026-06-01' ORDER BY placed_at DESC LIMIT 20"}),
    );
    answers(
        "explain_query_join",
        "explain_query",
        json!({"sql": "SELECT p.name, sum(i.quantity) FROM products p JOIN order_items i ON i.product_id = p.id WHERE p.sku = 'SKU-00042' GROUP BY p.name"}),
    );
    answers(
        "explain_query_not_in",
        "explain_query",
        json!({"sql": "SELECT id FROM customers WHERE id NOT IN (SELECT referred_by FROM customers)"}),
    );
}

#[test]
fn propose_migration_reads_well() {
    answers(
        "propose_migration_index",
        "propose_migration",
        json!({"change": "CREATE INDEX ON orders (status)"}),
    );
    answers(
        "propose_migration_not_null",
        "propose_migration",
        json!({"change": "ALTER TABLE customers ALTER COLUMN phone SET NOT NULL", "detail": "detailed"}),
    );
    answers(
        "propose_migration_drop",
        "propose_migration",
        json!({"change": "DROP TABLE tags"}),
    );
}

#[test]
fn check_locks_reads_well() {
    answers("check_locks", "check_locks", json!({}));
}
