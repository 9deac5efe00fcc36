//! An index is read from end to end.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "full-index-scan",
    check,
};

const ROWS: i64 = 10_000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let limited = subject.nodes().any(|node| node.access == Access::Limit)
        || subject
            .statement
            .is_some_and(|statement| statement.limit().is_some());
    let scans = subject
        .nodes()
        .filter(|node| node.access == Access::FullIndexScan && node.is_notable());
    scans
        // One that gives the order for a LIMIT ends early.
        .filter(|_| !limited)
        .filter_map(|node| Some((node, subject.table_rows(node).filter(|rows| *rows >= ROWS)?)))
        .filter(|(node, _)| {
            !node.filter.is_empty()
                || subject
                    .table(node)
                    .is_some_and(|table| subject.predicates(table).next().is_some())
        })
        .map(|(node, rows)| {
            Finding::new(
                RULE.id,
                Severity::Medium,
                "the whole index is read to find a part of it",
            )
            .object(subject.object(node))
            .evidence("index", &node.index, "", Source::Measured)
            .evidence("rows", count(rows), "", Source::WhatIf)
            .remedy("an index that begins with the columns of the condition; see the advice")
            .keeps(&["A2", "O2"])
            .catalogued(&["MY-INDEX-SCAN"])
        })
        .collect()
}
