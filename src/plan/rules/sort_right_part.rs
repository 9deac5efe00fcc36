//! Rows come in the order of the first keys and are sorted by the last ones.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "sort-right-part",
    check,
};

const ROWS: i64 = 10_000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let partly = subject.nodes().any(|node| {
        node.operation.contains("RIGHT PART OF ORDER BY")
            || node.operation.contains("OF ORDER BY") && node.operation.contains("LAST")
    });
    let scope = subject
        .query
        .scopes
        .iter()
        .find(|scope| !scope.order_by.is_empty());
    let Some((first, _)) = scope
        .and_then(|scope| scope.order_by.first())
        .filter(|_| partly)
    else {
        return Vec::new();
    };
    if first.table.rows.is_none_or(|rows| rows < ROWS) {
        return Vec::new();
    }
    vec![
        Finding::new(
            RULE.id,
            Severity::Low,
            "an index gives the first part of the order; the rest is sorted",
        )
        .object(first.table.qualified())
        .evidence(
            "rows",
            crate::answer::count(first.table.rows.unwrap_or(0)),
            "",
            Source::WhatIf,
        )
        .remedy("let the index go on with the remaining keys of ORDER BY")
        .keeps(&["A2"])
        .catalogued(&["LT-TEMP-RIGHT"]),
    ]
}
