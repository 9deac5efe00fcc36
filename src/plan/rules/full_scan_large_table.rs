//! A large table is read from end to end although the statement wants a part of it.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "full-scan-large-table",
    check,
};

const ROWS: i64 = 10_000;
/// Above this share an index would not be used, nor should it be.
const WORTH: f64 = 0.2;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject
        .plan
        .nodes
        .iter()
        .filter(|node| node.access == Access::FullScan)
    {
        let Some(rows) = subject.table_rows(node).filter(|rows| *rows >= ROWS) else {
            continue;
        };
        let Some(table) = subject.table(node) else {
            continue;
        };
        let narrows = subject
            .query
            .scopes
            .iter()
            .flat_map(|scope| &scope.predicates)
            .any(|predicate| {
                std::ptr::eq(predicate.column.table, table)
                    && matches!(
                        predicate.kind,
                        PredicateKind::Equality
                            | PredicateKind::AnyOf
                            | PredicateKind::Range
                            | PredicateKind::LikePrefix
                            | PredicateKind::IsNull
                    )
            });
        let kept = node
            .rows()
            .map(|kept| kept / node.loops.unwrap_or(1.0) / rows as f64)
            // An estimate that keeps all of a filtered table is none: nothing is known of the column.
            .filter(|kept| node.actual_rows.is_some() || !node.filter.is_empty() && *kept < 1.0);
        let (finding, catalogue): (Finding, &'static [&'static str]) =
            if narrows && kept.is_none_or(|kept| kept <= WORTH) {
                (
                    Finding::new(
                        RULE.id,
                        Severity::High,
                        "all rows are read to find a part of them",
                    )
                    .remedy("an index that finds the part; see the advice below")
                    .keeps(&["O2", "A2"]),
                    &["PG-SEQ-SELECTIVE", "MY-ALL", "LT-SCAN"],
                )
            } else if let Some(kept) = kept.filter(|kept| narrows && *kept > WORTH) {
                (
                    Finding::new(
                        RULE.id,
                        Severity::Info,
                        format!(
                            "keeps {:.0} % of the rows: no index will help",
                            kept * 100.0
                        ),
                    )
                    .keeps(&["O2", "O5"]),
                    &["PG-SEQ-WHOLE"],
                )
            } else {
                continue;
            };
        findings.push(
            finding
                .object(table.qualified())
                .evidence("rows", crate::answer::count(rows), "", Source::WhatIf)
                .catalogued(catalogue),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings, plan};
    use super::*;
    use crate::plan::PlanNode;

    #[test]
    fn a_small_table_or_a_whole_one_is_left_alone() {
        let plan = plan(vec![(
            None,
            PlanNode {
                access: Access::FullScan,
                relation: "t".to_owned(),
                ..PlanNode::default()
            },
        )]);
        assert_eq!(
            findings(
                &RULE,
                "SELECT a FROM t WHERE a = 1",
                &catalog(50_000),
                &plan
            ),
            1
        );
        assert_eq!(
            findings(&RULE, "SELECT a FROM t WHERE a = 1", &catalog(50), &plan),
            0
        );
        assert_eq!(
            findings(&RULE, "SELECT a FROM t", &catalog(50_000), &plan),
            0
        );
    }
}
