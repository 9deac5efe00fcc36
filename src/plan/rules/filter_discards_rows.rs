//! Rows that were read for nothing: the index or the scan found them, the filter threw them away.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "filter-discards-rows",
    check,
};

const ROWS: f64 = 1000.0;
const SHARE: f64 = 0.9;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject
        .plan
        .nodes
        .iter()
        .filter(|node| !node.relation.is_empty())
    {
        let (Some(kept), Some(removed)) = (node.actual_rows, node.removed_rows) else {
            continue;
        };
        let share = removed / (removed + kept);
        if removed >= ROWS && share >= SHARE && node.is_notable() {
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::High,
                    format!(
                        "{:.1} % of the rows that were read are thrown away",
                        share * 100.0
                    ),
                )
                .object(
                    subject
                        .table(node)
                        .map_or_else(|| node.object(), crate::catalog::Table::qualified),
                )
                .evidence(
                    "read",
                    crate::answer::count((removed + kept) as i64),
                    "rows",
                    Source::Measured,
                )
                .evidence(
                    "kept",
                    crate::answer::count(kept as i64),
                    "rows",
                    Source::Measured,
                )
                .remedy(format!(
                    "put the filter's columns into the index: {}",
                    crate::answer::excerpt(&node.filter, 120)
                ))
                .keeps(&["O2"])
                .catalogued(&["PG-IDX-FILTER", "MY-FILTERED"]),
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
    fn it_takes_many_rows_and_most_of_them() {
        let node = |kept, removed| PlanNode {
            relation: "t".to_owned(),
            actual_rows: Some(kept),
            removed_rows: Some(removed),
            ..PlanNode::default()
        };
        let catalog = catalog(10);
        let count = |kept, removed| {
            findings(
                &RULE,
                "SELECT a FROM t",
                &catalog,
                &plan(vec![(None, node(kept, removed))]),
            )
        };
        assert_eq!(
            (count(10.0, 9990.0), count(5000.0, 5000.0), count(1.0, 90.0)),
            (1, 0, 0)
        );
    }
}
