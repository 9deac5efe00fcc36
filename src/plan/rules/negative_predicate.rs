//! All but some values are wanted: most rows are, and no index finds them.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "negative-predicate",
    check,
};

const ROWS: i64 = 1000;
const SHARE: f64 = 0.3;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject
        .nodes()
        .filter(|node| matches!(node.access, Access::FullScan | Access::FullIndexScan))
    {
        let Some((table, rows)) = subject
            .table(node)
            .and_then(|table| Some((table, table.rows.filter(|rows| *rows >= ROWS)?)))
        else {
            continue;
        };
        let conditions: Vec<_> = subject.predicates(table).collect();
        let only_negative = !conditions.is_empty()
            && conditions
                .iter()
                .all(|condition| condition.kind == PredicateKind::Negative);
        let kept = node
            .rows()
            .map(|kept| kept / node.loops.unwrap_or(1.0).max(1.0) / rows as f64);
        if let (true, Some(condition)) = (
            only_negative && kept.is_none_or(|kept| kept >= SHARE),
            conditions.first(),
        ) {
            findings.push(
                Finding::new(RULE.id, Severity::Low, "the condition says what is not wanted: most rows are left, and an index finds what is equal")
                    .object(table.qualified())
                    .evidence("condition", crate::answer::excerpt(&condition.text, 100), "", Source::Measured)
                    .remedy("name the values that are wanted if they are few; where the rest is rare, a partial index WHERE it holds")
                    .keeps(&["O2"])
                    .catalogued(&["SQL-NEGATION"]),
            );
        }
    }
    findings
}
