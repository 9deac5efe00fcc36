//! A LEFT JOIN whose missing rows WHERE throws away.

use sqlparser::ast::{Expr, JoinOperator, TableFactor};

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "left-join-negated",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    subject.each_select(|select| {
        let Some(selection) = &select.selection else {
            return;
        };
        for join in select.from.iter().flat_map(|from| &from.joins) {
            let (JoinOperator::Left(_) | JoinOperator::LeftOuter(_)) = &join.join_operator else {
                continue;
            };
            let TableFactor::Table { name, alias, .. } = &join.relation else {
                continue;
            };
            let called = alias.as_ref().map_or_else(
                || name.0.last().map(ToString::to_string).unwrap_or_default(),
                |alias| alias.name.value.clone(),
            );
            let negated = crate::query::conjuncts(selection)
                .into_iter()
                .find(|part| rejects_null(part, &called));
            if let Some(part) = negated {
                found.push((called, part.to_string()));
            }
        }
    });
    found
        .into_iter()
        .map(|(called, condition)| {
            Finding::new(RULE.id, Severity::Low, "LEFT JOIN keeps rows without a match, and WHERE throws them away")
                .object(called)
                .evidence("condition", crate::answer::excerpt(&condition, 100), "", Source::Measured)
                .remedy("say JOIN if that is meant; if rows without a match should stay, move the condition into ON")
                .keeps(&["O7"])
                .catalogued(&["SQL-LEFT-TO-INNER"])
        })
        .collect()
}

/// A plain comparison of one of its columns: it never holds for NULL.
fn rejects_null(part: &Expr, table: &str) -> bool {
    let own = |expr: &Expr| matches!(expr, Expr::CompoundIdentifier(parts) if parts.first().is_some_and(|first| parts.len() == 2 && first.value.eq_ignore_ascii_case(table)));
    match part {
        Expr::BinaryOp { left, op, right } => {
            use sqlparser::ast::BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
            matches!(op, Eq | NotEq | Gt | GtEq | Lt | LtEq) && (own(left) || own(right))
        }
        Expr::InList { expr, .. }
        | Expr::Between { expr, .. }
        | Expr::Like { expr, .. }
        | Expr::IsNotNull(expr) => own(expr),
        _ => false,
    }
}
