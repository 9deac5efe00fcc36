//! A condition calls a function that is dear, or that must be run anew for each row.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "function-in-filter",
    check,
};

const ROWS: f64 = 10_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject.nodes().filter(|node| !node.filter.is_empty()) {
        let filter = node.filter.to_lowercase();
        let called = subject
            .plan
            .run
            .functions
            .iter()
            .find(|function| filter.contains(&format!("{}(", function.name.to_lowercase())));
        let read = match node.actual_rows {
            Some(kept) => Some(kept + node.removed_rows.unwrap_or(0.0)),
            None => subject.table_rows(node).map(|rows| rows as f64),
        };
        let (Some(function), Some(rows)) = (called, read.filter(|rows| *rows >= ROWS)) else {
            continue;
        };
        findings.push(
            Finding::new(
                RULE.id,
                Severity::Medium,
                if function.volatile { "a VOLATILE function is called for every row: no index can stand in for it" } else { "a dear function is called for every row" },
            )
            .object(format!("{}()", function.name))
            .evidence("rows", count(rows as i64), "", if node.actual_rows.is_some() { Source::Measured } else { Source::WhatIf })
            .evidence("declared cost", function.cost, "operators", Source::Measured)
            .remedy("declare it STABLE or IMMUTABLE if it is; compare cheap columns first; an index on an IMMUTABLE function's result; write it as plain SQL")
            .keeps(&["O7"])
            .catalogued(&["PG-PLPGSQL-FILTER"]),
        );
    }
    findings
}
