//! A join that reads the whole inner table again for each outer row.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "nested-loop-inner-scan",
    check,
};

const INNER_ROWS: i64 = 1000;
/// Pairs of rows that are compared through a buffer.
const PAIRS: f64 = 1_000_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = buffered(subject);
    // What nothing joins has a finding of its own.
    let unjoined = subject
        .query
        .scopes
        .iter()
        .any(|scope| scope.unjoined().is_some());
    for join in subject
        .nodes()
        .filter(|node| node.access == Access::Join && !(node.cartesian && unjoined))
    {
        if !join.operation.to_lowercase().contains("nested loop") {
            continue;
        }
        for inner in subject
            .plan
            .children(join.id)
            .skip(1)
            .filter(|inner| inner.access == Access::FullScan)
        {
            let Some(rows) = subject.table_rows(inner).filter(|rows| *rows >= INNER_ROWS) else {
                continue;
            };
            let mut finding = Finding::new(
                RULE.id,
                Severity::High,
                "it is read from end to end for each row of the outer side",
            )
            .object(
                subject
                    .table(inner)
                    .map_or_else(|| inner.object(), crate::catalog::Table::qualified),
            )
            .evidence("rows", crate::answer::count(rows), "", Source::WhatIf)
            .remedy("index the column that it is joined by")
            .keeps(&["A2"])
            .catalogued(&["PG-SEQ-INNER"]);
            if let Some(loops) = inner.loops.filter(|loops| *loops > 1.0) {
                finding = finding.evidence(
                    "times",
                    crate::answer::count(loops as i64),
                    "",
                    Source::Measured,
                );
            }
            findings.push(finding);
        }
    }
    findings
}

/// Joins through a buffer: the inner table is read once for as many outer rows as fit, and all pairs are compared.
fn buffered(subject: &Subject<'_>) -> Vec<Finding> {
    let joins = subject.nodes().filter(|node| node.details.join_buffer);
    joins
        .filter_map(|join| {
            let inner = subject
                .plan
                .below(join.id)
                .find(|below| !below.relation.is_empty())?;
            let parent = join.parent.or(inner.parent)?;
            let outer = subject
                .plan
                .children(parent)
                .take_while(|child| child.id != join.id && child.id != inner.id)
                .last()?;
            let pairs = outer.rows()? * subject.table_rows(inner)? as f64;
            (pairs >= PAIRS).then_some((inner, pairs))
        })
        .map(|(inner, pairs)| {
            Finding::new(
                RULE.id,
                Severity::High,
                "joined through a buffer: every row of it is compared with every outer row",
            )
            .object(subject.object(inner))
            .evidence(
                "pairs",
                crate::answer::count(pairs as i64),
                "",
                Source::WhatIf,
            )
            .remedy("index the column that it is joined by")
            .keeps(&["A2"])
            .catalogued(&["MY-JOINBUF"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings, plan};
    use super::*;
    use crate::plan::PlanNode;

    #[test]
    fn the_outer_side_may_be_scanned() {
        let node = |access, relation: &str| PlanNode {
            access,
            relation: relation.to_owned(),
            ..PlanNode::default()
        };
        let join = PlanNode {
            access: Access::Join,
            operation: "Nested Loop".to_owned(),
            ..PlanNode::default()
        };
        let of = |outer, inner| {
            plan(vec![
                (None, join.clone()),
                (Some(0), node(outer, "t")),
                (Some(0), node(inner, "u")),
            ])
        };
        let sql = "SELECT t.a FROM t JOIN u ON t.id = u.a";
        assert_eq!(
            findings(
                &RULE,
                sql,
                &catalog(50_000),
                &of(Access::FullScan, Access::FullScan)
            ),
            1
        );
        assert_eq!(
            findings(
                &RULE,
                sql,
                &catalog(50_000),
                &of(Access::FullScan, Access::IndexSearch)
            ),
            0
        );
        assert_eq!(
            findings(
                &RULE,
                sql,
                &catalog(10),
                &of(Access::FullScan, Access::FullScan)
            ),
            0
        );
    }
}
