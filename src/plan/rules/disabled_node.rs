//! The planner had to take a way that a setting forbids.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity};

pub(super) const RULE: Rule = Rule {
    id: "disabled-node",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let forbidden = subject.nodes().filter(|node| node.details.disabled);
    // Costs are passed upwards: the last one is where it begins.
    forbidden
        .last()
        .map(|node| {
            Finding::new(RULE.id, Severity::Medium, format!("{} is switched off by a setting, and there was no other way", node.operation))
                .object(subject.object(node))
                .remedy("RESET the enable_… settings of this session, role or database; costs beside it say little")
                .catalogued(&["PG-DISABLED-NODE"])
        })
        .into_iter()
        .collect()
}
