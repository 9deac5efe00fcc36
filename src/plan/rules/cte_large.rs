//! A WITH query that is stored although it is larger than the memory for it.

use super::{Rule, Subject};
use crate::answer::{bytes, count};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "cte-large",
    check,
};

/// What `work_mem` is unless somebody changed it.
const MEMORY: f64 = 4.0 * 1024.0 * 1024.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    // The scan tells the rows of each reading; the node that computes it tells them once.
    let stored = subject
        .nodes()
        .filter(|node| node.operation.starts_with("CTE "));
    stored
        .filter_map(|node| Some((node, node.rows()?, node.details.width?)))
        .filter(|(_, rows, width)| rows * width >= MEMORY)
        .map(|(node, rows, width)| {
            let name = node.operation.split(':').next().unwrap_or_default();
            let source = if node.actual_rows.is_some() {
                Source::Measured
            } else {
                Source::WhatIf
            };
            Finding::new(
                RULE.id,
                Severity::Low,
                "a large WITH query is stored before it is read",
            )
            .object(name.trim_start_matches("CTE "))
            .evidence("rows", count(rows as i64), "", source)
            .evidence("size", bytes((rows * width) as i64), "", source)
            .remedy("filter and name columns inside it, or NOT MATERIALIZED where it is read once")
            .catalogued(&["PG-MATERIAL-CTE-LARGE"])
        })
        .collect()
}
