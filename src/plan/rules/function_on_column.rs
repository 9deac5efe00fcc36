//! A function or arithmetic around a column: an index on the column cannot find the value.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "function-on-column",
    check,
};

const ROWS: i64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .query
        .scopes
        .iter()
        .flat_map(|scope| &scope.predicates)
        .filter(|predicate| predicate.kind == PredicateKind::Wrapped)
        .filter(|predicate| predicate.column.table.rows.is_none_or(|rows| rows >= ROWS))
        .map(|predicate| {
            let table = predicate.column.table;
            Finding::new(
                RULE.id,
                Severity::Medium,
                "no plain index on the column can serve this condition",
            )
            .object(format!("{}.{}", table.qualified(), predicate.column.column))
            .evidence(
                "condition",
                crate::answer::excerpt(&predicate.text, 100),
                "",
                Source::Measured,
            )
            .remedy("compare the bare column with a computed range, or index the expression")
            .keeps(&["O7"])
            .catalogued(&["SQL-FUNC-COL"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn only_a_wrapped_column_is_named() {
        let count = |sql| findings(&RULE, sql, &catalog(50_000), &Plan::default());
        assert_eq!(count("SELECT a FROM t WHERE abs(a) = 1"), 1);
        assert_eq!(count("SELECT a FROM t WHERE a + 1 > 5"), 1);
        assert_eq!(count("SELECT a FROM t WHERE a = abs(1)"), 0);
    }
}
