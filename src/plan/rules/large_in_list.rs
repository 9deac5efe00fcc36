//! A list of hundreds of values: it is planned anew for each length and read value by value.

use sqlparser::ast::Expr;

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "large-in-list",
    check,
};

const LARGE: usize = 100;
const HUGE: usize = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut longest = 0;
    subject.each_expression(|expr| {
        if let Expr::InList { list, .. } = expr {
            longest = longest.max(list.len());
        }
    });
    if longest < LARGE {
        return Vec::new();
    }
    let severity = if longest >= HUGE {
        Severity::High
    } else {
        Severity::Medium
    };
    vec![
        Finding::new(RULE.id, severity, format!("IN over a list of {longest} values"))
            .evidence("values in the longest list", longest, "", Source::Measured)
            .effect("long to parse and plan, a new statement for each length, and an estimate that adds up the errors of all values")
            .remedy("put the values into a table and join it: a temporary table, a VALUES list, or on PostgreSQL one array: = ANY($1)")
            .catalogued(&["SQL-IN-BIG"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn a_short_list_is_left_alone() {
        let count = |length: usize| {
            let list = vec!["1"; length].join(", ");
            let sql = format!("SELECT a FROM t WHERE id IN ({list})");
            findings(&RULE, &sql, &catalog(10), &Plan::default())
        };
        assert_eq!(count(LARGE), 1);
        assert_eq!(count(LARGE - 1), 0);
    }
}
