//! A condition on an expression, of which the planner knows nothing: it took a constant share.

use super::{Rule, Subject};
use crate::answer::{count, excerpt};
use crate::finding::{Finding, Severity, Source};
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "expression-guessed",
    check,
};

/// What is assumed where nothing is known: of an equality, and of a range.
const ASSUMED: [f64; 2] = [0.005, 1.0 / 3.0];
const TOLERANCE: f64 = 0.01;
const ROWS: i64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject
        .dialect()
        .is_some_and(crate::statement::Dialect::has_extended_statistics)
    {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for node in subject.nodes().filter(|node| !node.filter.is_empty()) {
        let Some((table, rows)) = subject
            .table(node)
            .and_then(|table| Some((table, table.rows.filter(|rows| *rows >= ROWS)?)))
        else {
            continue;
        };
        let Some(estimated) = node
            .estimated_rows
            .map(|estimated| estimated / node.loops.unwrap_or(1.0).max(1.0))
        else {
            continue;
        };
        let guessed = ASSUMED
            .iter()
            .any(|share| ((estimated / rows as f64) / share - 1.0).abs() <= TOLERANCE);
        let wrapped = subject
            .predicates(table)
            .find(|predicate| predicate.kind == PredicateKind::Wrapped);
        let (true, Some(predicate)) = (guessed, wrapped) else {
            continue;
        };
        findings.push(
            Finding::new(RULE.id, Severity::Medium, "the planner knows nothing of this expression and assumed a constant share of the rows")
                .object(table.qualified())
                .evidence("condition", excerpt(&predicate.text, 100), "", Source::Measured)
                .evidence("assumed", count(estimated as i64), "rows", Source::WhatIf)
                .remedy("an index on the expression, or CREATE STATISTICS … ON (expression) FROM the table (from version 14 on), then ANALYZE; best, compare the bare column")
                .catalogued(&["PG-MISEST-EXPR"]),
        );
    }
    findings
}
