//! Stored rows are read again and again.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "materialize-rescanned",
    check,
};

const ROWS: f64 = 1_000_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let stored = subject.nodes().filter(|node| {
        node.access == Access::Materialize
            && node.operation.starts_with("Materialize")
            && node.loops.is_some_and(|loops| loops > 1.0)
            && node.actual_rows.is_some_and(|rows| rows >= ROWS)
    });
    stored
        .map(|node| {
            let below = subject.plan.children(node.id).next().unwrap_or(node);
            Finding::new(RULE.id, Severity::Medium, "its rows are kept and read again for each outer row")
                .object(subject.object(below))
                .evidence("readings", count(node.loops.unwrap_or(0.0) as i64), "", Source::Measured)
                .evidence("rows read in all", count(node.actual_rows.unwrap_or(0.0) as i64), "", Source::Measured)
                .remedy("join by equality, so that a hash or an index can find the rows; index the inner column")
                .keeps(&["A2"])
                .catalogued(&["PG-MATERIALIZE"])
        })
        .collect()
}
