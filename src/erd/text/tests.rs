//! Cases of the drawing as text.

use super::*;
use crate::erd::Selection;
use crate::erd::sample::{catalog, chain, refers, shop, table};

fn drawn(catalog: &Catalog) -> String {
    let text = draw(&Erd::new(catalog, &Selection::default()), catalog);
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
        assert_eq!(line, line.trim_end());
    }
    text
}

#[test]
fn shop_has_every_box_line_and_relationship() {
    let text = drawn(&shop());
    for part in [
        "┌─ customers ─",
        "│ PF  order_id ",
        "│ FK  parent_id? ",
        "5 tables · 5 relationships · 1 M:N (orders ⇄ products through order_items) · 1 self-reference",
        "  order_items.order_id    N:1  orders.id      NOT NULL  ON DELETE CASCADE  index (key)",
        "  products.category_id    N:1  categories.id  NULL      ON DELETE CASCADE  index MISSING",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("no room"), "{text}");
    let drawing = text.split("5 tables").next().unwrap();
    assert_eq!(
        drawing.matches(">o").count() + drawing.matches("o<").count(),
        5,
        "{text}"
    );
    assert_eq!(text, drawn(&shop()));
}

#[test]
fn fifteen_tables_show_keys_and_every_line() {
    let text = drawn(&chain(15));
    assert!(text.contains("… 1 more column"), "{text}");
    let drawing = text.split("15 tables").next().unwrap();
    let feet = drawing.matches(">o").count() + drawing.matches("o<").count();
    let left = drawing.matches(" → ").count();
    assert_eq!(feet + left, 26, "{text}");
}

#[test]
fn more_tables_are_named_and_still_more_are_counted() {
    let text = drawn(&chain(30));
    assert!(text.starts_with("table_number_0 (4 columns)"), "{text}");
    assert_eq!(text.matches("  N:1  ").count(), 56);
    let text = drawn(&chain(300));
    assert!(
        text.contains("tables by schema: public 300")
            && text.contains("more relationships not listed")
    );
    assert!(text.len() < LIST_BUDGET + 3000);
}

#[test]
fn odd_names_are_neither_cut_nor_run() {
    let name = "n".repeat(130);
    let mut odd = table("a\nb\u{202e}", "id bigint, up? text", &["id"]);
    odd.columns[1].name.clone_from(&name);
    let odd = refers(odd, &[&name], "other", &["id"]);
    let other = table(
        "other",
        "id an_extremely_long_type_name_that_no_box_can_hold(1,2)",
        &["id"],
    );
    let lone = table("lone", "id bigint", &[]);
    let text = drawn(&catalog(vec![odd, other, lone]));
    assert!(
        text.contains("a b\\u{202e}") && text.contains("not linked: lone"),
        "{text}"
    );
    let list = text.split("\nrelationships\n").nth(1).unwrap();
    assert_eq!(
        list.matches('n').count() - list.matches("index").count(),
        130,
        "{text}"
    );
    assert!(drawn(&catalog(Vec::new())).contains("0 tables"));
}
