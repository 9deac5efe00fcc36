//! LIKE '%…': a B-tree is sorted by the first characters, and these are unknown.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "leading-wildcard",
    check,
};

const ROWS: i64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .query
        .scopes
        .iter()
        .flat_map(|scope| &scope.predicates)
        .filter(|predicate| predicate.kind == PredicateKind::LikeLeadingWildcard)
        .filter(|predicate| predicate.column.table.rows.is_none_or(|rows| rows >= ROWS))
        .map(|predicate| {
            let table = predicate.column.table;
            Finding::new(RULE.id, Severity::High, "the pattern starts with a wildcard: no B-tree can find it")
                .object(format!("{}.{}", table.qualified(), predicate.column.column))
                .evidence("rows", table.rows.map_or("unknown".to_owned(), crate::answer::count), "", Source::WhatIf)
                .remedy("a trigram index (pg_trgm with GIN), FULLTEXT with ngram, or FTS5 with the trigram tokenizer; or anchor the pattern")
                .keeps(&["Q1"])
                .catalogued(&["SQL-LIKE-LEAD"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn an_anchored_pattern_is_left_alone() {
        let count = |sql| findings(&RULE, sql, &catalog(50_000), &Plan::default());
        assert_eq!(count("SELECT a FROM t WHERE b LIKE '%x'"), 1);
        assert_eq!(count("SELECT a FROM t WHERE b LIKE 'x%'"), 0);
        assert_eq!(count("SELECT a FROM t WHERE b NOT LIKE '%x'"), 0);
    }
}
