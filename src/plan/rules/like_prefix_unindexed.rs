//! LIKE with a known beginning, and an index whose order of texts does not fit it.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "like-prefix-unindexed",
    check,
};

const ROWS: i64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject
        .nodes()
        .filter(|node| matches!(node.access, Access::FullScan | Access::FullIndexScan))
    {
        let Some(table) = subject
            .table(node)
            .filter(|table| table.rows.is_some_and(|rows| rows >= ROWS))
        else {
            continue;
        };
        for predicate in subject
            .predicates(table)
            .filter(|predicate| predicate.kind == PredicateKind::LikePrefix)
        {
            let column = predicate.column.column;
            let Some(index) = table.indexes.iter().find(|index| {
                index.valid && index.predicate.is_empty() && index.leads_with(&[column])
            }) else {
                continue;
            };
            let needs = subject
                .dialect()
                .map_or("", crate::statement::Dialect::prefix_search);
            if needs.is_empty() {
                continue;
            }
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::High,
                    format!(
                        "{} is sorted in an order that LIKE can't search",
                        index.name
                    ),
                )
                .object(format!("{}.{column}", table.qualified()))
                .evidence(
                    "condition",
                    crate::answer::excerpt(&predicate.text, 100),
                    "",
                    Source::Measured,
                )
                .remedy("an index in the order that LIKE compares by")
                .all_sql(subject.create_index(
                    table,
                    &format!("{column}_like"),
                    &[format!("{} {needs}", subject.name(column))],
                ))
                .keeps(&["A2"])
                .catalogued(&["SQL-COLLATION", "LT-LIKE-NOCASE"]),
            );
        }
    }
    findings
}
