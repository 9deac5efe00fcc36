//! The plan was chosen because LIMIT promised an early end, and the rows were not where they were expected.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "limit-scanned-far",
    check,
};

const FACTOR: f64 = 10.0;
const ROWS: f64 = 1000.0;
/// From here on it is an index that gives the order and finds nothing.
const WASTE: f64 = 100.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for limit in subject.nodes().filter(|node| node.access == Access::Limit) {
        let mut inner = subject.plan.children(limit.id).next();
        // What sorts or groups reads everything anyway.
        while let Some(node) =
            inner.filter(|node| node.access == Access::Other || node.access == Access::Limit)
        {
            inner = subject.plan.children(node.id).next();
        }
        let Some(scan) = inner.filter(|node| !node.relation.is_empty()) else {
            continue;
        };
        let (Some(kept), Some(removed)) = (scan.actual_rows, scan.removed_rows) else {
            continue;
        };
        let (Some(wanted), Some(estimated)) = (limit.estimated_rows, scan.estimated_rows) else {
            continue;
        };
        let rows = subject.table_rows(scan).unwrap_or(0) as f64;
        let expected = (rows / estimated.max(1.0) * wanted).min(rows);
        let read = kept + removed;
        let ordered = scan.access == Access::FullIndexScan && removed >= kept.max(1.0) * WASTE;
        if read < ROWS || !(ordered || read >= expected.max(1.0) * FACTOR) {
            continue;
        }
        findings.push(
            Finding::new(
                RULE.id,
                if ordered { Severity::High } else { Severity::Medium },
                if ordered {
                    "an index is read for its order, and nearly every row of it is thrown away"
                } else {
                    "LIMIT was expected to end the scan early, and it did not"
                },
            )
            .object(subject.object(scan))
            .evidence("expected to read", count(expected as i64), "rows", Source::WhatIf)
            .evidence("read", count(read as i64), "rows", Source::Measured)
            .evidence("kept", count(kept as i64), "rows", Source::Measured)
            .remedy("an index with the columns compared by equality first and the order behind them; as a stop-gap, ORDER BY an expression (key + 0) keeps this index out")
            .keeps(&["A2"])
            .catalogued(&["PG-IDX-ORDERBY", "PG-TUPLE-FRACTION"]),
        );
    }
    findings
}
