//! Rows on the edge, for a copy of the data on which two statements are compared: NULL where there may be one, and
//! the very values that the statements name.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, Select, Visit, Visitor};

use super::scope::{Kind, Scope, kind};
use crate::catalog::{Catalog, Column, Table};
use crate::statement::{Dialect, Statement};

/// One row in so many gets a value; another one for each column and value.
const STEP: usize = 31;
/// Scripts for one pair of statements.
const MOST: usize = 60;

/// Scripts that put them into rows here and there. What a constraint forbids fails by itself.
pub fn scripts(statements: &[&Statement], catalog: &Catalog, dialect: Dialect) -> Vec<String> {
    let mut seen: Vec<(&Table, &Column, Option<String>)> = Vec::new();
    for statement in statements {
        let mut look = Look {
            catalog,
            dialect,
            seen: &mut seen,
        };
        let _ = statement.ast.visit(&mut look);
    }
    let mut scripts = Vec::new();
    for (number, (table, column, value)) in seen.iter().enumerate().take(MOST) {
        let Some(key) = key(table, column) else {
            continue;
        };
        scripts.push(format!(
            "UPDATE {} SET {} = {} WHERE {} % {STEP} = {}",
            dialect.table(&table.schema, &table.name, &catalog.default_schema),
            dialect.identifier(&column.name),
            value.as_deref().unwrap_or("NULL"),
            dialect.identifier(&key.name),
            // Neighbours differ, so that values meet in all ways.
            (number * 7 + 3) % STEP,
        ));
    }
    scripts
}

struct Look<'s, 'a> {
    catalog: &'a Catalog,
    dialect: Dialect,
    seen: &'s mut Vec<(&'a Table, &'a Column, Option<String>)>,
}

impl Visitor for Look<'_, '_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let scope = Scope::of(select, self.catalog, self.dialect, &[]);
        let _ = ast::visit_expressions(select, |expr| {
            if let Some(found) = scope.column(expr)
                && found.column.nullable
            {
                self.add(found.table, found.column, None);
            }
            match expr {
                Expr::BinaryOp { left, right, .. } => {
                    for (column, value) in [(left, right), (right, left)] {
                        self.compared(&scope, column, value);
                    }
                }
                Expr::InList { expr, list, .. } => {
                    for value in list {
                        self.compared(&scope, expr, value);
                    }
                }
                Expr::Between {
                    expr, low, high, ..
                } => {
                    self.compared(&scope, expr, low);
                    self.compared(&scope, expr, high);
                }
                Expr::Like { expr, pattern, .. } => self.compared(&scope, expr, pattern),
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
        ControlFlow::Continue(())
    }
}

impl<'a> Look<'_, 'a> {
    fn add(&mut self, table: &'a Table, column: &'a Column, value: Option<String>) {
        let known = self.seen.iter().any(|(of, own, known)| {
            std::ptr::eq(*of, table) && own.name == column.name && *known == value
        });
        if !known && column.generated.is_none() {
            self.seen.push((table, column, value));
        }
    }

    fn compared(&mut self, scope: &Scope<'a>, column: &Expr, value: &Expr) {
        let Some(found) = scope.column(column) else {
            return;
        };
        let value = match value {
            Expr::Value(value) => match &value.value {
                ast::Value::Number(..) => value.to_string(),
                ast::Value::SingleQuotedString(text) if !text.contains(['\'', '\\']) => {
                    // A pattern stands for what it finds.
                    format!("'{}'", text.trim_end_matches(['%', '*']))
                }
                _ => return,
            },
            Expr::UnaryOp {
                op: ast::UnaryOperator::Minus,
                expr,
            } if matches!(expr.as_ref(), Expr::Value(_)) => format!("-{expr}"),
            _ => return,
        };
        self.add(found.table, found.column, Some(value));
    }
}

/// A column of whole numbers by which some rows are chosen.
fn key<'a>(table: &'a Table, changed: &Column) -> Option<&'a Column> {
    let primary = table.primary_key.iter().flat_map(|key| &key.columns);
    let mut columns = primary
        .filter_map(|name| table.column(name))
        .chain(&table.columns);
    columns.find(|column| {
        kind(column) == Kind::Integer && !column.nullable && column.name != changed.name
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Key;

    #[test]
    fn nulls_and_named_values_come_into_some_rows() {
        let column = |name: &str, data_type: &str, nullable| Column {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            nullable,
            ..Column::default()
        };
        let catalog = Catalog {
            default_schema: String::new(),
            tables: vec![Table {
                name: "t".to_owned(),
                columns: vec![
                    column("id", "integer", false),
                    column("a", "integer", true),
                    column("name", "text", false),
                ],
                primary_key: Some(Key {
                    name: String::new(),
                    columns: vec!["id".to_owned()],
                }),
                ..Table::default()
            }],
        };
        let sql = "SELECT id FROM t WHERE a = -5 AND name LIKE 'ab%' AND id = $1";
        let statement = Statement::parse(sql, Dialect::Postgres).unwrap();
        assert_eq!(
            scripts(&[&statement, &statement], &catalog, Dialect::Postgres),
            [
                "UPDATE t SET a = -5 WHERE id % 31 = 3",
                "UPDATE t SET a = NULL WHERE id % 31 = 10",
                "UPDATE t SET name = 'ab' WHERE id % 31 = 17",
            ]
        );
    }
}
