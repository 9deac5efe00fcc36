//! One parallel worker has far more to do than the others.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "worker-skew",
    check,
};

const FACTOR: f64 = 3.0;
const ROWS: f64 = 10_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let nodes = subject.nodes().filter_map(|node| {
        let rows = &node.details.workers.as_ref()?.rows;
        let most = rows.iter().copied().reduce(f64::max)?;
        let least = rows.iter().copied().reduce(f64::min)?;
        let uneven = rows.len() > 1 && most >= ROWS && most >= least.max(1.0) * FACTOR;
        uneven.then_some((node, most, least))
    });
    nodes
        .take(1)
        .map(|(node, most, least)| {
            Finding::new(RULE.id, Severity::Low, "the parallel workers share the rows unevenly")
                .object(subject.object(node))
                .evidence("most", count(most as i64), "rows", Source::Measured)
                .evidence("least", count(least as i64), "rows", Source::Measured)
                .remedy("nothing to do on small tables; else look for a value or a partition that holds most rows")
                .catalogued(&["PG-PARALLEL-SKEW"])
        })
        .collect()
}
