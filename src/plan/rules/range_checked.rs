//! The planner looks for an index anew for each row of the outer table.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "range-checked",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .nodes()
        .filter(|node| node.details.range_checked || node.operation.contains("re-planned for each iteration"))
        .map(|node| {
            Finding::new(RULE.id, Severity::High, "an index is chosen anew for each row of the table before it")
                .object(subject.object(node))
                .evidence("thought of", node.details.possible_indexes.join(", "), "", Source::Measured)
                .remedy("join by equality on an indexed column; a comparison of two columns finds no fixed range")
                .keeps(&["A2"])
                .catalogued(&["MY-RCE"])
        })
        .collect()
}
