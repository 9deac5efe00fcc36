//! What the tests of the rewrites share.

use super::*;
use crate::catalog::{Column, Index, IndexColumn, Key, Table};
use crate::plan::PlanNode;

fn table(name: &str, columns: &[(&str, &str, bool)]) -> Table {
    let column = |(name, data_type, nullable): &(&str, &str, bool)| Column {
        name: (*name).to_owned(),
        data_type: (*data_type).to_owned(),
        nullable: *nullable,
        ..Column::default()
    };
    Table {
        name: name.to_owned(),
        columns: columns.iter().map(column).collect(),
        primary_key: Some(Key {
            name: String::new(),
            columns: vec!["id".to_owned()],
        }),
        ..Table::default()
    }
}

/// `t (id, a, b, name, at)` and `u (id, t_id, x, name)`, where `b` and `x` may be NULL and `u.t_id` has an index.
fn catalog() -> Catalog {
    let t = table(
        "t",
        &[
            ("id", "integer", false),
            ("a", "integer", false),
            ("b", "integer", true),
            ("name", "text", true),
            ("at", "timestamp", false),
        ],
    );
    let mut u = table(
        "u",
        &[
            ("id", "integer", false),
            ("t_id", "integer", false),
            ("x", "integer", true),
            ("name", "text", true),
        ],
    );
    u.indexes.push(Index {
        name: "u_t_id_idx".to_owned(),
        valid: true,
        columns: vec![IndexColumn {
            name: "t_id".to_owned(),
            ..IndexColumn::default()
        }],
        ..Index::default()
    });
    Catalog {
        default_schema: String::new(),
        tables: vec![t, u],
    }
}

fn ask(dialect: Dialect, rule: &Rule, sql: &str, cost: Option<f64>) -> Option<Rewrite> {
    let statement = Statement::parse(sql, dialect).unwrap();
    let mut plan = Plan::default();
    plan.push(
        None,
        PlanNode {
            cost,
            ..PlanNode::default()
        },
    );
    rewrites(&statement, &catalog(), &plan)
        .into_iter()
        .find(|rewrite| rewrite.rule.id == rule.id)
}

pub(super) fn made_in(dialect: Dialect, rule: &Rule, sql: &str) -> Option<Rewrite> {
    ask(dialect, rule, sql, Some(100.0))
}

pub(super) fn made(rule: &Rule, sql: &str) -> Option<Rewrite> {
    made_in(Dialect::Postgres, rule, sql)
}

pub(super) fn with_cost(rule: &Rule, sql: &str, cost: Option<f64>) -> Option<Rewrite> {
    ask(Dialect::Postgres, rule, sql, cost)
}

pub(super) fn is_in(dialect: Dialect, rule: &Rule, from: &str, to: &str) {
    let made = made_in(dialect, rule, from);
    let made = made.unwrap_or_else(|| panic!("{dialect:?}: nothing came of {from}"));
    assert_eq!(made.shown.sql(), to, "{dialect:?}: {from}");
}

pub(super) fn is(rule: &Rule, from: &str, to: &str) {
    is_in(Dialect::Postgres, rule, from, to);
}

pub(super) fn none_in(dialect: Dialect, rule: &Rule, sql: &str) {
    let made = made_in(dialect, rule, sql);
    assert!(
        made.is_none(),
        "{dialect:?}: {sql} became {}",
        made.unwrap().shown.sql()
    );
}

pub(super) fn none(rule: &Rule, sql: &str) {
    none_in(Dialect::Postgres, rule, sql);
}

#[test]
fn ids_are_the_names_of_the_files_in_order() {
    let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted());
}

#[test]
fn what_writes_or_gives_another_value_each_time_is_left_alone() {
    for sql in [
        "DELETE FROM t WHERE date(at) = '2025-01-01'",
        "SELECT * FROM t WHERE a > random()",
        "SELECT * FROM t FOR UPDATE",
    ] {
        let statement = Statement::parse(sql, Dialect::Postgres).unwrap();
        let found = rewrites(&statement, &catalog(), &Plan::default());
        assert!(found.is_empty(), "{sql}");
    }
}
