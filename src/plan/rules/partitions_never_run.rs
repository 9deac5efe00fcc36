//! Most partitions are planned, and left out only when the statement runs.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "partitions-never-run",
    check,
};

const SHARE: f64 = 0.8;
const PARTITIONS: usize = 5;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let appends = subject
        .nodes()
        .filter_map(|node| Some((node, node.details.partitions?)));
    appends
        .filter(|(_, parts)| parts.read >= PARTITIONS && parts.never_run as f64 / parts.read as f64 >= SHARE)
        .map(|(node, parts)| {
            Finding::new(RULE.id, Severity::Low, "most partitions are planned and never run: the value is known only when it runs")
                .object(subject.object(node))
                .evidence("planned", count(parts.read as i64), "partitions", Source::Measured)
                .evidence("never run", count(parts.never_run as i64), "partitions", Source::Measured)
                .remedy("compare the partition key with a constant or a parameter rather than with a subquery or a STABLE function: then the planner leaves them out")
                .catalogued(&["PG-PART-RUNTIME"])
        })
        .collect()
}
