//! Two tables joined without a condition: every row meets every other.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "cartesian-product",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for scope in &subject.query.scopes {
        let lonely = scope.unjoined();
        let planned = subject.plan.nodes.iter().any(|node| node.cartesian);
        if let (Some(used), true) = (lonely, planned && scope.tables.len() > 1 && !scope.has_or) {
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::Critical,
                    "joined with nothing: every row of it meets every row of the others",
                )
                .object(used.table.qualified())
                .evidence(
                    "rows",
                    used.table
                        .rows
                        .map_or("unknown".to_owned(), crate::answer::count),
                    "",
                    Source::Measured,
                )
                .effect("rows multiply, and so does the time")
                .remedy("add the join condition, or CROSS JOIN if it is meant")
                .catalogued(&["SQL-CROSS-COMMA", "PG-CARTESIAN"]),
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
    fn a_join_without_a_condition_is_named() {
        let plan = plan(vec![(
            None,
            PlanNode {
                cartesian: true,
                ..PlanNode::default()
            },
        )]);
        let catalog = catalog(10);
        assert_eq!(findings(&RULE, "SELECT t.a FROM t, u", &catalog, &plan), 1);
        assert_eq!(
            findings(
                &RULE,
                "SELECT t.a FROM t, u WHERE t.id = u.id",
                &catalog,
                &plan
            ),
            0
        );
        assert_eq!(
            findings(
                &RULE,
                "SELECT t.a FROM t, u WHERE t.id = 1 AND u.id = 2",
                &catalog,
                &plan
            ),
            0
        );
    }
}
