//! An index finds the rows, and the table is visited for a few narrow columns more.

use super::{Rule, Subject};
use crate::answer::{bytes, count};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "index-only-missed",
    check,
};

const ROWS: f64 = 1000.0;
const COLUMNS: usize = 3;
const WIDTH: i64 = 64;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let searches = subject.nodes().filter(|node| {
        node.access == Access::IndexSearch
            && !node.index.is_empty()
            && !node.details.index_only
            && node.is_notable()
    });
    for node in searches {
        let rows = match node.rows() {
            Some(rows) => rows + node.removed_rows.unwrap_or(0.0),
            // Where the engine tells no rows, a large table has enough.
            None => subject.table_rows(node).unwrap_or(0) as f64 / 10.0,
        };
        let Some(table) = subject.table(node).filter(|_| rows >= ROWS) else {
            continue;
        };
        let Some(index) = table.indexes.iter().find(|index| index.name == node.index) else {
            continue;
        };
        let missing = needed(subject, table, index);
        let width: i64 = missing
            .iter()
            .map(|name| crate::advice::cost::width_of(table, name))
            .sum();
        if missing.is_empty()
            || missing.len() > COLUMNS
            || width > WIDTH
            || node.operation.contains("covering")
            || node.operation.contains("primary key")
        {
            continue;
        }
        findings.push(
            Finding::new(RULE.id, Severity::Low, format!("{} finds the rows; the table is visited only for {}", index.name, missing.join(", ")))
                .object(table.qualified())
                .evidence("look-ups", count(rows as i64), "", if node.actual_rows.is_some() { Source::Measured } else { Source::WhatIf })
                .evidence("more for each row", bytes(width), "", Source::Formula)
                .remedy("an index that has these columns as well answers alone (INCLUDE on PostgreSQL, last keys elsewhere)")
                .keeps(&["A2"])
                .catalogued(&["PG-IOS-MISSED", "MY-SECONDARY-LOOKUP", "LT-COVER"]),
        );
    }
    findings
}

/// Columns that the statement reads of a table and the index has not.
fn needed(
    subject: &Subject<'_>,
    table: &crate::catalog::Table,
    index: &crate::catalog::Index,
) -> Vec<String> {
    let uses = subject
        .statement
        .map(|statement| {
            crate::advice::uses::uses(&statement.ast, subject.catalog, statement.dialect)
        })
        .unwrap_or_default();
    let key = table
        .primary_key
        .as_ref()
        .map(|key| key.columns.clone())
        .unwrap_or_default();
    let has = |name: &str| {
        index.columns.iter().any(|own| own.name == name) || index.include.iter().any(|own| own == name)
            // Where tables are kept in the primary key's order, each index holds it.
            || key.iter().any(|own| own == name) && subject.dialect().is_some_and(crate::statement::Dialect::keeps_rows_by_key)
    };
    let mut missing: Vec<String> = Vec::new();
    for used in uses.iter().filter(|used| std::ptr::eq(used.table, table)) {
        if used.whole_row {
            missing.extend(table.columns.iter().map(|column| column.name.clone()));
        }
        missing.extend(used.needed.iter().cloned());
    }
    missing.retain(|name| !has(name));
    missing.sort();
    missing.dedup();
    missing
}
