//! NOT IN over a column that may be NULL: one NULL in it, and the condition holds for no row.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "not-in-null",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .query
        .not_in
        .iter()
        .filter(|not_in| not_in.column.table.column(not_in.column.column).is_some_and(|column| column.nullable))
        .map(|not_in| {
            Finding::new(RULE.id, Severity::Critical, "one NULL in it makes NOT IN give no rows at all")
                .object(format!("{}.{}", not_in.column.table.qualified(), not_in.column.column))
                .evidence("condition", crate::answer::excerpt(&not_in.text, 100), "", Source::Measured)
                .effect("a wrong answer, not a slow one")
                .remedy("NOT EXISTS (SELECT 1 … WHERE inner = outer), which also lets the planner use an anti-join")
                .keeps(&["A5"])
                .catalogued(&["SQL-NOTIN-NULL"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn a_column_that_cannot_be_null_is_left_alone() {
        let count = |sql| findings(&RULE, sql, &catalog(10), &Plan::default());
        assert_eq!(
            count("SELECT a FROM t WHERE id NOT IN (SELECT b FROM u)"),
            1
        );
        assert_eq!(
            count("SELECT a FROM t WHERE id NOT IN (SELECT a FROM u)"),
            0
        );
        assert_eq!(
            count("SELECT a FROM t WHERE id NOT IN (SELECT b FROM u WHERE b IS NOT NULL)"),
            0
        );
        assert_eq!(count("SELECT a FROM t WHERE id IN (SELECT b FROM u)"), 0);
    }
}
