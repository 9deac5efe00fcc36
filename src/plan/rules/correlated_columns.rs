//! Conditions on columns that go together, multiplied as if they had nothing to do with each other.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "correlated-columns",
    check,
};

const FACTOR: f64 = 10.0;
const ROWS: f64 = 100.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject
        .dialect()
        .is_some_and(crate::statement::Dialect::has_extended_statistics)
    {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for node in subject.nodes() {
        let (Some(table), Some(estimated), Some(actual)) =
            (subject.table(node), node.estimated_rows, node.actual_rows)
        else {
            continue;
        };
        let mut columns: Vec<&str> = subject
            .predicates(table)
            .filter(|predicate| {
                matches!(
                    predicate.kind,
                    PredicateKind::Equality | PredicateKind::AnyOf
                )
            })
            .map(|predicate| predicate.column.column)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        if columns.len() < 2 || actual < ROWS || actual / estimated.max(1.0) < FACTOR {
            continue;
        }
        let name = format!("{}_{}_stats", table.name, columns.join("_"));
        findings.push(
            Finding::new(
                RULE.id,
                Severity::High,
                format!(
                    "{} go together, and the planner multiplies their shares as if they did not",
                    columns.join(" and ")
                ),
            )
            .object(table.qualified())
            .evidence("estimated", count(estimated as i64), "rows", Source::WhatIf)
            .evidence("actual", count(actual as i64), "rows", Source::Measured)
            .remedy("extended statistics on both, then ANALYZE")
            .sql(format!(
                "CREATE STATISTICS {} (ndistinct, dependencies, mcv) ON {} FROM {}",
                name.chars().take(63).collect::<String>(),
                columns.join(", "),
                table.qualified()
            ))
            .sql(format!("ANALYZE {}", table.qualified()))
            .keeps(&["O2"])
            .catalogued(&["PG-MISEST-CORR"]),
        );
    }
    findings.dedup_by(|a, b| a.object == b.object);
    findings
}
