//! SELECT *: every column travels, and no index can answer alone.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "select-star",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Only the outermost columns travel: EXISTS reads none, and a star around a subquery has its columns.
    let outermost = subject.query.scopes.iter().take(subject.query.outermost);
    for scope in outermost.filter(|scope| scope.star) {
        if let Some(used) = scope.tables.first() {
            let columns: usize = scope
                .tables
                .iter()
                .map(|used| used.table.columns.len())
                .sum();
            let names: Vec<&str> = used
                .table
                .columns
                .iter()
                .take(40)
                .map(|column| column.name.as_str())
                .collect();
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::Low,
                    "name the columns the caller uses; a new or wide column then costs nothing",
                )
                .object(used.table.qualified())
                .evidence("columns read", columns, "", Source::Measured)
                .remedy(format!(
                    "columns of {}: {}",
                    used.table.name,
                    crate::answer::excerpt(&names.join(", "), 400)
                ))
                .keeps(&["N5"])
                .catalogued(&["SQL-SELECT-STAR"]),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn counting_rows_is_no_star() {
        let count = |sql| findings(&RULE, sql, &catalog(10), &Plan::default());
        assert_eq!(count("SELECT * FROM t"), 1);
        assert_eq!(count("SELECT u.* FROM t JOIN u ON t.id = u.id"), 1);
        assert_eq!(count("SELECT count(*) FROM t"), 0);
    }
}
