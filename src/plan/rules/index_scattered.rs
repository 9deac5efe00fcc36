//! A range of an index leads to rows that lie all over the table.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "index-scattered",
    check,
};

const CORRELATION: f64 = 0.3;
const PAGES_PER_ROW: f64 = 0.5;
const ROWS: f64 = 1000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let scans = subject.nodes().filter(|node| {
        node.access == Access::IndexSearch && !node.details.index_only && !node.relation.is_empty()
    });
    scans
        .filter_map(|node| {
            let table = subject.table(node)?;
            let (pages, rows) = (node.details.pages?.touched(), node.actual_rows.filter(|rows| *rows >= ROWS)?);
            let range = subject.predicates(table).find(|predicate| predicate.kind == PredicateKind::Range && node.condition.contains(predicate.column.column))?;
            let order = table.column(range.column.column)?.correlation?;
            (order.abs() < CORRELATION && pages / rows >= PAGES_PER_ROW).then_some((node, range.column.column, order, pages, rows))
        })
        .map(|(node, column, order, pages, rows)| {
            Finding::new(RULE.id, Severity::Low, "neighbours in the index lie far apart in the table: nearly every row is on a page of its own")
                .object(format!("{}.{column}", subject.object(node)))
                .evidence("order on disk", format!("{order:.2}"), "correlation", Source::Measured)
                .evidence("pages touched", count(pages as i64), "", Source::Measured)
                .evidence("rows", count(rows as i64), "", Source::Measured)
                .remedy("a covering index spares the table; CLUSTER puts the rows in this order once, under an exclusive lock; BRIN cannot help here")
                .keeps(&["A2"])
                .catalogued(&["PG-CORRELATION"])
        })
        .collect()
}
