//! So many partitions that planning alone is slow.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "partitions-many",
    check,
};

const PARTITIONS: usize = 100;
const PLANNING_SHARE: f64 = 0.2;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(planning), Some(execution)) = (subject.plan.planning_ms, subject.plan.execution_ms)
    else {
        return Vec::new();
    };
    let most = subject
        .nodes()
        .filter_map(|node| Some(node.details.partitions?.read))
        .max()
        .unwrap_or(0);
    let share = planning / (planning + execution);
    if most < PARTITIONS || share < PLANNING_SHARE {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, format!("{most} partitions are planned for: {:.0} % of the time", share * 100.0))
            .evidence("partitions in the plan", count(most as i64), "", Source::Measured)
            .evidence("planning", format!("{planning:.0}"), "ms", Source::Measured)
            .remedy("compare the partition key with a constant, so that the others are left out; fewer, larger partitions; prepared statements")
            .catalogued(&["PG-PART-MANY"]),
    ]
}
