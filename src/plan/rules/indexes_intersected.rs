//! Several indexes are read and their rows intersected.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "indexes-intersected",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let merged = subject.nodes().filter(|node| {
        node.operation.contains("BitmapAnd")
            || node.operation.contains("index_merge") && node.index.contains("intersect")
            || node
                .operation
                .to_lowercase()
                .contains("intersect rows sorted")
    });
    merged
        .map(|node| {
            let inputs: Vec<&str> = subject
                .plan
                .children(node.id)
                .filter(|child| child.access == Access::IndexSearch && !child.index.is_empty())
                .map(|child| child.index.as_str())
                .collect();
            let table = subject
                .plan
                .above(node.id)
                .find(|above| !above.relation.is_empty())
                .unwrap_or(node);
            Finding::new(
                RULE.id,
                Severity::Medium,
                "the rows of several indexes are intersected",
            )
            .object(subject.object(table))
            .evidence(
                "indexes",
                if inputs.is_empty() {
                    node.index.clone()
                } else {
                    inputs.join(", ")
                },
                "",
                Source::Measured,
            )
            .remedy("one index on these columns together reads only the rows that satisfy all")
            .keeps(&["A2"])
            .catalogued(&["PG-BITMAP-AND", "MY-INDEX-MERGE"])
        })
        .collect()
}
