//! Rows are gathered in a temporary table first.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::{Access, PlanNode};

pub(super) const RULE: Rule = Rule {
    id: "temporary-table",
    check,
};

const ROWS: f64 = 10_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let tables = subject
        .nodes()
        .filter(|node| node.details.temporary && node.is_notable());
    tables
        .filter_map(|node| {
            let known = node.rows().into_iter().chain(subject.plan.children(node.id).filter_map(PlanNode::rows)).reduce(f64::max);
            let read = subject.plan.below(node.id).filter(|below| below.access == Access::FullScan).filter_map(|scan| subject.table_rows(scan)).max();
            let rows = known.or(read.map(|rows| rows as f64))?;
            (rows >= ROWS).then_some((node, rows))
        })
        .map(|(node, rows)| {
            let derived = node.access == Access::Materialize;
            Finding::new(RULE.id, Severity::Medium, if derived { "a subquery is stored in a temporary table before it is read" } else { "rows are grouped in a temporary table" })
                .object(subject.object(node))
                .evidence("rows", count(rows as i64), "", if node.actual_rows.is_some() { Source::Measured } else { Source::WhatIf })
                .effect("beyond tmp_table_size it goes to disk (Created_tmp_disk_tables counts it)")
                .remedy(if derived { "filter and name columns inside the subquery, or write it as a join, so that it need not be stored" } else { "an index on the grouped columns, in their order, after the columns compared by equality; grouping then needs no table" })
                .keeps(&["A2"])
                .catalogued(&["MY-TEMP", "MY-DERIVED", "LT-SUBQ-MAT"])
        })
        .take(2)
        .collect()
}
