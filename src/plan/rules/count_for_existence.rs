//! COUNT only to know whether there is any row.

use sqlparser::ast::{BinaryOperator, Expr, SelectItem, SetExpr};

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "count-for-existence",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut found = None;
    subject.each_expression(|expr| {
        let Expr::BinaryOp { left, op, right } = expr else {
            return;
        };
        let compared = match (left.as_ref(), right.as_ref()) {
            (Expr::Subquery(query), other) if counts(query) => {
                Some((other.to_string(), op.clone()))
            }
            _ => None,
        };
        if let Some((number, op)) = compared
            && matches!(
                (number.as_str(), op),
                (
                    "0",
                    BinaryOperator::Gt | BinaryOperator::NotEq | BinaryOperator::Eq
                ) | ("1", BinaryOperator::GtEq | BinaryOperator::Lt)
            )
        {
            found.get_or_insert_with(|| expr.to_string());
        }
    });
    let finding = found.map(|text| {
        Finding::new(
            RULE.id,
            Severity::Low,
            "all rows are counted to know whether there is one",
        )
        .evidence(
            "condition",
            crate::answer::excerpt(&text, 120),
            "",
            Source::Measured,
        )
        .remedy("EXISTS (SELECT 1 FROM … WHERE …), or NOT EXISTS: it ends at the first row")
        .keeps(&["O7"])
        .catalogued(&["SQL-COUNT-EXISTS"])
    });
    finding.into_iter().collect()
}

fn counts(query: &sqlparser::ast::Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let [
        SelectItem::UnnamedExpr(Expr::Function(function))
        | SelectItem::ExprWithAlias {
            expr: Expr::Function(function),
            ..
        },
    ] = select.projection.as_slice()
    else {
        return false;
    };
    function.name.to_string().eq_ignore_ascii_case("count") && select.having.is_none()
}
