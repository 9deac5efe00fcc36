//! UNION looks for duplicates between queries that can't have any in common.

use sqlparser::ast::{Expr, Query, SelectItem, SetExpr, SetOperator, SetQuantifier};

use super::{Rule, Subject};
use crate::finding::{Finding, Severity};

pub(super) const RULE: Rule = Rule {
    id: "union-distinct",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut found = false;
    subject.each_query(|query: &Query| {
        if let SetExpr::SetOperation {
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::None | SetQuantifier::Distinct,
            left,
            right,
        } = query.body.as_ref()
        {
            found |= disjoint(left, right);
        }
    });
    if !found {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Low, "the parts of the UNION have different constants in one column: no row is in both, and duplicates are looked for all the same")
            .remedy("UNION ALL: nothing is sorted or hashed; add DISTINCT to a part that has duplicates of its own")
            .keeps(&["O7"])
            .catalogued(&["SQL-UNION"]),
    ]
}

fn disjoint(left: &SetExpr, right: &SetExpr) -> bool {
    let (SetExpr::Select(left), SetExpr::Select(right)) = (left, right) else {
        return false;
    };
    let constant = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Value(value))
        | SelectItem::ExprWithAlias {
            expr: Expr::Value(value),
            ..
        } => Some(value.value.to_string()),
        _ => None,
    };
    let pairs = left.projection.iter().zip(&right.projection);
    left.projection.len() == right.projection.len()
        && pairs
            .into_iter()
            .any(|(a, b)| constant(a).zip(constant(b)).is_some_and(|(a, b)| a != b))
}
