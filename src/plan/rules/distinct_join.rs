//! DISTINCT takes away the rows that a join made too many.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::{Access, PlanNode};

pub(super) const RULE: Rule = Rule {
    id: "distinct-join",
    check,
};

const FACTOR: f64 = 10.0;
const ROWS: f64 = 1000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject
        .query
        .scopes
        .iter()
        .any(|scope| scope.distinct && scope.tables.len() > 1)
    {
        return Vec::new();
    }
    let shrinks = subject
        .nodes()
        .filter(|node| node.access == Access::Aggregate)
        .find_map(|node| {
            let after = node.rows()?.max(1.0);
            let before = subject
                .plan
                .below(node.id)
                .filter(|below| below.access == Access::Join)
                .filter_map(PlanNode::rows)
                .reduce(f64::max)?;
            (before >= ROWS && before / after >= FACTOR).then_some((
                before,
                after,
                node.actual_rows.is_some(),
            ))
        });
    let finding = shrinks.map(|(before, after, measured)| {
        let source = if measured { Source::Measured } else { Source::WhatIf };
        Finding::new(RULE.id, Severity::Medium, "the join multiplies rows, and DISTINCT takes them away again")
            .evidence("after the join", count(before as i64), "rows", source)
            .evidence("different ones", count(after as i64), "rows", source)
            .remedy("where the other table only decides which rows come, ask EXISTS (SELECT 1 FROM other WHERE …) in place of the join, and drop DISTINCT")
            .keeps(&["O7"])
            .catalogued(&["SQL-DISTINCT-JOIN"])
    });
    finding.into_iter().collect()
}
