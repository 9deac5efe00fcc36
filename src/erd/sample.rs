//! Small catalogs for the tests of the drawings.

use crate::catalog::{Catalog, Column, ForeignKey, Key, Table};

pub(super) fn key(columns: &[&str]) -> Key {
    Key {
        name: String::new(),
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
    }
}

/// A table from `name type` pairs, a `?` after the name for nullable.
pub(super) fn table(name: &str, columns: &str, primary: &[&str]) -> Table {
    let column = |text: &str| {
        let (name, data_type) = text.trim().split_once(' ').unwrap();
        Column {
            name: name.trim_end_matches('?').to_owned(),
            data_type: data_type.to_owned(),
            nullable: name.ends_with('?'),
            ..Column::default()
        }
    };
    Table {
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: columns.split(", ").map(column).collect(),
        primary_key: (!primary.is_empty()).then(|| key(primary)),
        ..Table::default()
    }
}

pub(super) fn refers(mut table: Table, columns: &[&str], to: &str, referenced: &[&str]) -> Table {
    let (schema, name) = to.split_once('.').unwrap_or(("public", to));
    table.foreign_keys.push(ForeignKey {
        columns: key(columns).columns,
        referenced_schema: schema.to_owned(),
        referenced_table: name.to_owned(),
        referenced_columns: key(referenced).columns,
        on_delete: "CASCADE".to_owned(),
        ..ForeignKey::default()
    });
    table
}

pub(super) fn unique(mut table: Table, columns: &[&str]) -> Table {
    table.unique.push(key(columns));
    table
}

pub(super) fn catalog(tables: Vec<Table>) -> Catalog {
    let mut catalog = Catalog {
        default_schema: "public".to_owned(),
        tables,
    };
    catalog.sort();
    catalog
}

pub(super) fn shop() -> Catalog {
    let customers = "id bigint, email text, full_name text, phone? text, created_at timestamptz";
    let orders = "id bigint, customer_id bigint, status text, total_minor bigint";
    let items = "order_id bigint, line_no smallint, product_id bigint, qty integer";
    let products = "id bigint, sku text, category_id? bigint, price_minor bigint";
    let categories = "id bigint, parent_id? bigint, slug text, name text";
    let items = unique(
        table("order_items", items, &["order_id", "line_no"]),
        &["order_id", "product_id"],
    );
    let items = refers(items, &["order_id"], "orders", &["id"]);
    catalog(vec![
        unique(table("customers", customers, &["id"]), &["email"]),
        refers(
            table("orders", orders, &["id"]),
            &["customer_id"],
            "customers",
            &["id"],
        ),
        refers(items, &["product_id"], "products", &["id"]),
        refers(
            unique(table("products", products, &["id"]), &["sku"]),
            &["category_id"],
            "categories",
            &["id"],
        ),
        refers(
            unique(table("categories", categories, &["id"]), &["slug"]),
            &["parent_id"],
            "categories",
            &["id"],
        ),
    ])
}

/// So many tables, each of which refers to one or two of those before it.
pub(super) fn chain(count: usize) -> Catalog {
    let one = |n: usize| {
        let columns =
            "id bigint, parent_with_a_long_name_id bigint, other_id? bigint, note varchar(200)";
        let mut table = table(&format!("table_number_{n}"), columns, &["id"]);
        if n > 0 {
            let to = format!("table_number_{}", n / 2);
            table = refers(table, &["parent_with_a_long_name_id"], &to, &["id"]);
        }
        if n > 2 {
            table = refers(
                table,
                &["other_id"],
                &format!("table_number_{}", n - 2),
                &["id"],
            );
        }
        table
    };
    catalog((0..count).map(one).collect())
}
