//! The inner side of a nested loop is looked up very often, and that is where the time goes.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "nested-loop-many",
    check,
};

const LOOPS: f64 = 1000.0;
const SHARE: f64 = 0.2;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let whole: f64 = subject.nodes().filter_map(|node| node.self_ms).sum();
    let mut findings = Vec::new();
    for join in subject.nodes().filter(|node| {
        node.access == Access::Join && node.operation.to_lowercase().contains("nested loop")
    }) {
        for inner in subject.plan.children(join.id).skip(1) {
            let (Some(loops), Some(time)) = (inner.loops, inner.time_ms) else {
                continue;
            };
            // One that scans is named for that already.
            let scans = subject
                .plan
                .below(inner.id)
                .any(|node| node.access == Access::FullScan);
            if loops < LOOPS
                || whole <= 0.0
                || (time + join.self_ms.unwrap_or(0.0)) / whole < SHARE
                || scans
            {
                continue;
            }
            let outer = subject.plan.children(join.id).next();
            let estimated = outer.and_then(|outer| outer.estimated_rows).unwrap_or(0.0);
            let remedy = if estimated * 10.0 <= loops {
                "the planner expected far fewer outer rows: mend that estimate first (ANALYZE, extended statistics), then it may choose a hash join"
            } else {
                "fewer outer rows (filter before the join), a covering index on the inner side, or a hash join, for which more work_mem may be needed"
            };
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::Medium,
                    format!(
                        "looked up {} times: {:.0} % of the time",
                        count(loops as i64),
                        ((time + join.self_ms.unwrap_or(0.0)) / whole).min(1.0) * 100.0
                    ),
                )
                .object(subject.object(inner))
                .evidence("look-ups", count(loops as i64), "", Source::Measured)
                .evidence("expected", count(estimated as i64), "", Source::WhatIf)
                .remedy(remedy)
                .catalogued(&["PG-NL-LARGE"]),
            );
        }
    }
    findings
}
