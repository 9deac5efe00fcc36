//! A random order: every row gets a number and is sorted by it, for a few of them.

use sqlparser::ast::{Expr, OrderByKind, Statement};

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "order-by-random",
    check,
};

const LARGE_TABLE: i64 = 10_000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(Statement::Query(query)) = subject.statement.map(|statement| &statement.ast) else {
        return Vec::new();
    };
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|by| &by.kind) else {
        return Vec::new();
    };
    if !keys.iter().any(|key| random(&key.expr)) {
        return Vec::new();
    }
    let tables = subject.query.scopes.iter().flat_map(|scope| &scope.tables);
    let largest = tables
        .filter_map(|used| used.table.rows.map(|rows| (rows, used.table)))
        .max_by_key(|(rows, _)| *rows);
    let Some((rows, table)) = largest.filter(|(rows, _)| *rows >= LARGE_TABLE) else {
        return Vec::new();
    };
    vec![
        Finding::new(RULE.id, Severity::Medium, "every row is read and sorted to pick a few at random")
            .object(table.qualified())
            .evidence("rows of the table", rows, "rows", Source::Measured)
            .effect("grows with the table; no index can help")
            .remedy("pick random keys and look these up (WHERE id >= a random id ORDER BY id LIMIT n), or on PostgreSQL sample: FROM … TABLESAMPLE SYSTEM (1)")
            .catalogued(&["SQL-ORDER-RAND"]),
    ]
}

fn random(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else {
        return false;
    };
    let name = function.name.to_string().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "random" | "rand" | "gen_random_uuid" | "uuid"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn a_small_table_or_a_plain_column_is_left_alone() {
        let count = |sql, rows| findings(&RULE, sql, &catalog(rows), &Plan::default());
        let at_random = "SELECT a FROM t ORDER BY random() LIMIT 3";
        assert_eq!(count(at_random, LARGE_TABLE), 1);
        assert_eq!(count(at_random, LARGE_TABLE - 1), 0);
        assert_eq!(count("SELECT a FROM t ORDER BY a LIMIT 3", LARGE_TABLE), 0);
    }
}
