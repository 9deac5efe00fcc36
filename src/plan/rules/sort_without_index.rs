//! Many rows are sorted although an index could give them in order.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::{Access, PlanNode};

pub(super) const RULE: Rule = Rule {
    id: "sort-without-index",
    check,
};

const ROWS: f64 = 10_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let wanted = subject
        .query
        .scopes
        .iter()
        .find(|scope| !scope.order_by.is_empty() && scope.order_is_plain);
    let Some(scope) = wanted else {
        return Vec::new();
    };
    let one_table = scope.order_by.windows(2).all(|pair| match pair {
        [(a, _), (b, _)] => a.position == b.position,
        _ => true,
    });
    if !one_table || !scope.group_by.is_empty() || scope.distinct {
        return Vec::new();
    }
    let Some((first, _)) = scope.order_by.first() else {
        return Vec::new();
    };
    let keys: Vec<String> = scope
        .order_by
        .iter()
        .map(|(column, descending)| {
            format!(
                "{}{}",
                column.column,
                if *descending { " DESC" } else { "" }
            )
        })
        .collect();
    subject
        .plan
        .nodes
        .iter()
        .filter(|node| node.access == Access::Sort)
        .filter_map(|node| sorted_rows(subject, node).filter(|rows| *rows >= ROWS))
        .take(1)
        .map(|rows| {
            Finding::new(
                RULE.id,
                if scope.limited {
                    Severity::Medium
                } else {
                    Severity::Low
                },
                if scope.limited {
                    "everything is sorted to give the first rows"
                } else {
                    "everything is sorted"
                },
            )
            .object(first.table.qualified())
            .evidence(
                "sorted",
                crate::answer::count(rows as i64),
                "rows",
                Source::WhatIf,
            )
            .remedy(format!(
                "an index whose keys end in {}, after the columns compared by equality",
                keys.join(", ")
            ))
            .keeps(&["Q1"])
            .catalogued(&["PG-SORT-TOPN", "MY-FILESORT", "LT-TEMP-BTREE"])
        })
        .collect()
}

/// How many rows go into a sort: what its input gives, or the rows of the largest table that is scanned.
fn sorted_rows(subject: &Subject<'_>, sort: &PlanNode) -> Option<f64> {
    subject
        .plan
        .children(sort.id)
        .filter_map(PlanNode::rows)
        .reduce(f64::max)
        .or_else(|| {
            subject
                .plan
                .nodes
                .iter()
                .filter(|node| matches!(node.access, Access::FullScan | Access::FullIndexScan))
                .filter_map(|node| subject.table_rows(node).map(|rows| rows as f64))
                .reduce(f64::max)
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings, plan};
    use super::*;

    #[test]
    fn few_rows_and_computed_keys_are_left_alone() {
        let of = |rows| {
            plan(vec![
                (
                    None,
                    PlanNode {
                        access: Access::Sort,
                        ..PlanNode::default()
                    },
                ),
                (
                    Some(0),
                    PlanNode {
                        access: Access::FullScan,
                        relation: "t".to_owned(),
                        estimated_rows: Some(rows),
                        ..PlanNode::default()
                    },
                ),
            ])
        };
        assert_eq!(
            findings(
                &RULE,
                "SELECT a FROM t ORDER BY a LIMIT 5",
                &catalog(50_000),
                &of(50_000.0)
            ),
            1
        );
        assert_eq!(
            findings(
                &RULE,
                "SELECT a FROM t ORDER BY a LIMIT 5",
                &catalog(50),
                &of(50.0)
            ),
            0
        );
        assert_eq!(
            findings(
                &RULE,
                "SELECT a FROM t ORDER BY abs(a) LIMIT 5",
                &catalog(50_000),
                &of(50_000.0)
            ),
            0
        );
    }
}
