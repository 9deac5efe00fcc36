//! A column is filtered by and has neither an index nor a histogram: its share is guessed.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "histogram-missing",
    check,
};

const ROWS: i64 = 10_000;

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
        let guessed = subject.predicates(table).find(|predicate| {
            matches!(
                predicate.kind,
                PredicateKind::Equality | PredicateKind::Range | PredicateKind::AnyOf
            ) && table
                .column(predicate.column.column)
                .is_some_and(|column| column.histogram == Some(false))
                && !table
                    .indexes
                    .iter()
                    .any(|index| index.leads_with(&[predicate.column.column]))
        });
        if let Some(predicate) = guessed {
            findings.push(
                Finding::new(RULE.id, Severity::Low, "neither an index nor a histogram tells how many rows this condition keeps: the share is guessed")
                    .object(format!("{}.{}", table.qualified(), predicate.column.column))
                    .evidence("rows", count(rows), "", Source::Measured)
                    .evidence("condition", crate::answer::excerpt(&predicate.text, 100), "", Source::Measured)
                    .remedy("where no index is wanted: ANALYZE TABLE … UPDATE HISTOGRAM ON the column (MySQL), ANALYZE TABLE … PERSISTENT FOR COLUMNS (…) INDEXES () (MariaDB)")
                    .catalogued(&["MY-HIST-MISSING"]),
            );
        }
    }
    findings.dedup_by(|a, b| a.object == b.object);
    findings
}
