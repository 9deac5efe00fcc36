//! LIMIT without ORDER BY: which rows come is up to the plan of the day.

use sqlparser::ast::{GroupByExpr, LimitClause, SelectItem, SetExpr, Statement};

use super::{Rule, Subject};
use crate::finding::{Finding, Severity};

pub(super) const RULE: Rule = Rule {
    id: "limit-without-order",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(Statement::Query(query)) = subject.statement.map(|statement| &statement.ast) else {
        return Vec::new();
    };
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Vec::new();
    };
    let limit = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => limit.as_ref(),
        Some(LimitClause::OffsetCommaLimit { limit, .. }) => Some(limit),
        None => None,
    };
    let Some(limit) = limit.map(ToString::to_string) else {
        return Vec::new();
    };
    // One row of a condition is mostly the only one, one row of calls is an aggregate, and LIMIT 0 asks for the shape.
    let looks_up = limit == "1" && select.selection.is_some();
    let only_calls = select.projection.iter().all(calls);
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    if query.order_by.is_some()
        || select.from.is_empty()
        || limit == "0"
        || looks_up
        || (only_calls && !grouped)
    {
        return Vec::new();
    }
    vec![
        Finding::new(
            RULE.id,
            Severity::Low,
            "LIMIT without ORDER BY: any rows may come, and other ones next time",
        )
        .effect("pages overlap or miss rows once the plan or the table's order changes")
        .remedy("ORDER BY what the caller means, with a unique column last")
        .catalogued(&["SQL-LIMIT-NOORDER"]),
    ]
}

fn calls(item: &SelectItem) -> bool {
    matches!(
        item,
        SelectItem::UnnamedExpr(sqlparser::ast::Expr::Function(_))
            | SelectItem::ExprWithAlias {
                expr: sqlparser::ast::Expr::Function(_),
                ..
            }
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn an_order_or_a_single_row_is_left_alone() {
        let count = |sql| findings(&RULE, sql, &catalog(10), &Plan::default());
        assert_eq!(count("SELECT a FROM t LIMIT 10"), 1);
        assert_eq!(count("SELECT a, count(*) FROM t GROUP BY a LIMIT 10"), 1);
        assert_eq!(count("SELECT a FROM t ORDER BY id LIMIT 10"), 0);
        assert_eq!(count("SELECT a FROM t WHERE id = 7 LIMIT 1"), 0);
        assert_eq!(count("SELECT count(*) FROM t LIMIT 10"), 0);
        assert_eq!(count("SELECT a FROM t"), 0);
    }
}
