//! The planner expected ten times more or fewer rows than came: it planned for another query.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "row-misestimate",
    check,
};

const FACTOR: f64 = 10.0;
const ROWS: f64 = 1000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let plan = subject.plan;
    let wrong = |id: usize| {
        let node = plan.node(id)?;
        let (estimated, actual) = (node.estimated_rows?.max(1.0), node.actual_rows?.max(1.0));
        let factor = (actual / estimated).max(estimated / actual);
        (factor >= FACTOR && estimated.max(actual) >= ROWS && node.loops != Some(0.0))
            .then_some((estimated, actual, factor))
    };
    // A mistake is passed upwards: only where it begins is it said.
    let stopped_early = plan
        .nodes
        .iter()
        .any(|node| node.access == crate::plan::Access::Limit);
    let mut findings = Vec::new();
    for node in &plan.nodes {
        if let Some((estimated, actual, factor)) = wrong(node.id)
            && !plan
                .children(node.id)
                .any(|child| wrong(child.id).is_some())
            && !(stopped_early && actual < estimated)
        {
            findings.push(
                Finding::new(RULE.id, Severity::Medium, format!("the planner was wrong by a factor of {factor:.0}"))
                    .object(subject.table(node).map_or_else(|| node.operation.clone(), crate::catalog::Table::qualified))
                    .evidence("estimated", crate::answer::count(estimated as i64), "rows", Source::WhatIf)
                    .evidence("actual", crate::answer::count(actual as i64), "rows", Source::Measured)
                    .remedy("ANALYZE the table; for columns that go together, extended statistics or a histogram")
                    .catalogued(&["PG-MISEST", "PG-MISEST-ROOT", "MY-ROWS-MISEST"]),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings, plan};
    use super::*;
    use crate::plan::PlanNode;

    #[test]
    fn the_mistake_is_named_where_it_begins() {
        let node = |estimated, actual| PlanNode {
            estimated_rows: Some(estimated),
            actual_rows: Some(actual),
            ..PlanNode::default()
        };
        let count = |plan| findings(&RULE, "SELECT a FROM t", &catalog(10), &plan);
        assert_eq!(
            count(plan(vec![
                (None, node(10.0, 5000.0)),
                (Some(0), node(10.0, 5000.0))
            ])),
            1
        );
        assert_eq!(count(plan(vec![(None, node(4000.0, 5000.0))])), 0);
        assert_eq!(count(plan(vec![(None, node(1.0, 50.0))])), 0);
    }
}
