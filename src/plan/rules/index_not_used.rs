//! An index begins with the column of a condition, and the table is scanned all the same: why.

use super::{Rule, Subject};
use crate::catalog::{Index, Table};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;
use crate::query::{Predicate, PredicateKind};

pub(super) const RULE: Rule = Rule {
    id: "index-not-used",
    check,
};

const ROWS: i64 = 1000;
/// Above this share of the rows a scan is the better way.
const MANY: f64 = 0.1;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject
        .nodes()
        .filter(|node| node.access == Access::FullScan)
    {
        let Some(table) = subject
            .table(node)
            .filter(|table| table.rows.is_some_and(|rows| rows >= ROWS))
        else {
            continue;
        };
        for predicate in subject.predicates(table) {
            let named = table.indexes.iter().find(|index| {
                index
                    .columns
                    .first()
                    .is_some_and(|first| !first.expression && first.name == predicate.column.column)
            });
            let Some(index) = named else { continue };
            let kept = node
                .rows()
                .zip(table.rows)
                .map(|(kept, rows)| kept / node.loops.unwrap_or(1.0).max(1.0) / rows.max(1) as f64);
            let Some((why, remedy)) = reason(predicate, index, table, kept) else {
                continue;
            };
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::Info,
                    format!(
                        "{} begins with {} and is not used: {why}",
                        index.name, predicate.column.column
                    ),
                )
                .object(table.qualified())
                .evidence(
                    "condition",
                    crate::answer::excerpt(&predicate.text, 100),
                    "",
                    Source::Measured,
                )
                .remedy(remedy)
                .keeps(&["O2"])
                .catalogued(&["PG-INDEX-UNUSED-WHY"]),
            );
        }
    }
    findings.dedup();
    findings
}

fn reason(
    predicate: &Predicate<'_>,
    index: &Index,
    table: &Table,
    kept: Option<f64>,
) -> Option<(String, String)> {
    let said = |why: &str, remedy: &str| Some((why.to_owned(), remedy.to_owned()));
    if !index.valid {
        return said("it is invalid", "REINDEX INDEX CONCURRENTLY, or drop it");
    }
    if !index.predicate.is_empty() {
        return Some((
            format!(
                "it holds only rows where {}",
                crate::answer::excerpt(&index.predicate, 80)
            ),
            "repeat that condition in the statement word for word, or index all rows".to_owned(),
        ));
    }
    match predicate.kind {
        PredicateKind::Wrapped => said(
            "the condition is on an expression of the column, the index on the column",
            "compare the bare column, or index the expression",
        ),
        PredicateKind::LikeLeadingWildcard => said(
            "the pattern begins with a wildcard",
            "a trigram or full-text index, or anchor the pattern",
        ),
        PredicateKind::Negative => said(
            "all but a few values are wanted",
            "an index helps only where the wanted rows are few: a partial one for these",
        ),
        PredicateKind::LikePrefix => said(
            "its order of texts is not the one that LIKE needs",
            "an index with text_pattern_ops on PostgreSQL, COLLATE NOCASE on SQLite",
        ),
        _ if kept.is_some_and(|kept| kept >= MANY) => Some((
            format!(
                "{:.0} % of the rows are wanted, for which a scan is cheaper",
                kept.unwrap_or(0.0) * 100.0
            ),
            "nothing to mend; a covering index could be read instead of the table".to_owned(),
        )),
        _ if table.stats_age_s.is_none() && table.rows.is_some() => None,
        _ => None,
    }
}
