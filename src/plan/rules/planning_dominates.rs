//! Planning takes longer than running.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "planning-dominates",
    check,
};

const SHARE: f64 = 0.5;
const TIME: f64 = 5.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(planning), Some(execution)) = (subject.plan.planning_ms, subject.plan.execution_ms)
    else {
        return Vec::new();
    };
    if planning < TIME || planning / (planning + execution) < SHARE {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, "planning takes longer than running")
            .evidence("planning", format!("{planning:.1}"), "ms", Source::Measured)
            .evidence("running", format!("{execution:.1}"), "ms", Source::Measured)
            .remedy("prepare it once and run it often; fewer partitions, indexes and joins; a smaller statistics target on its columns")
            .catalogued(&["PG-PLANNING"]),
    ]
}
