//! A merge join sorts both of its inputs first.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "merge-join-sorts",
    check,
};

const SHARE: f64 = 0.3;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let joins = subject
        .nodes()
        .filter(|node| node.operation.contains("Merge Join"));
    joins
        .filter_map(|join| {
            let sorts: Vec<_> = subject
                .plan
                .children(join.id)
                .map(|child| {
                    if child.operation == "Materialize" {
                        subject.plan.children(child.id).next().unwrap_or(child)
                    } else {
                        child
                    }
                })
                .filter(|child| child.access == Access::Sort)
                .collect();
            let share: f64 = sorts.iter().filter_map(|sort| sort.share).sum();
            (sorts.len() == 2 && share >= SHARE).then_some((join, sorts, share))
        })
        .map(|(join, sorts, share)| {
            let rows: f64 = sorts.iter().filter_map(|sort| sort.rows()).sum();
            Finding::new(
                RULE.id,
                Severity::Low,
                format!(
                    "both sides are sorted to be merged: {:.0} % of the whole",
                    share * 100.0
                ),
            )
            .object(&join.condition)
            .evidence(
                "rows sorted",
                count(rows as i64),
                "",
                if join.actual_rows.is_some() {
                    Source::Measured
                } else {
                    Source::WhatIf
                },
            )
            .remedy("an index on the join column of the larger side gives it in order")
            .keeps(&["A2"])
            .catalogued(&["PG-MERGE-SORT"])
        })
        .collect()
}
