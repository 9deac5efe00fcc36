//! A subquery that runs again for each row of the query around it.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "correlated-subquery",
    check,
};

/// From this many runs on it is worth a rewrite.
const RUNS: f64 = 1000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let correlated = subject.plan.nodes.iter().filter(|node| node.correlated);
    correlated
        .filter(|node| node.loops.is_none_or(|loops| loops >= RUNS))
        .map(|node| {
            let mut finding = Finding::new(
                RULE.id,
                if node.loops.is_some() { Severity::High } else { Severity::Medium },
                "a subquery runs again for each row around it",
            )
            .object(node.object())
            .effect("its time is multiplied by the number of outer rows")
            .remedy("join with the grouped subquery, or use LATERAL; where it stays, index what it looks up")
            .keeps(&["O7"])
            .catalogued(&["SQL-CORR-SUB", "PG-SUBPLAN-LOOPS", "MY-DEPSUB", "LT-CORR"]);
            if let Some(loops) = node.loops {
                finding = finding.evidence("runs", crate::answer::count(loops as i64), "", Source::Measured);
            }
            finding
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings, plan};
    use super::*;
    use crate::plan::PlanNode;

    #[test]
    fn few_runs_are_left_alone() {
        let node = |loops| PlanNode {
            correlated: true,
            loops,
            ..PlanNode::default()
        };
        let catalog = catalog(10);
        let count = |loops| {
            findings(
                &RULE,
                "SELECT a FROM t",
                &catalog,
                &plan(vec![(None, node(loops))]),
            )
        };
        assert_eq!(
            (count(Some(5000.0)), count(None), count(Some(3.0))),
            (1, 1, 0)
        );
    }
}
