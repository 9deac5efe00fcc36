//! LEFT JOIN whose rows without a match WHERE throws away → JOIN.

use sqlparser::ast::{BinaryOperator, Expr, JoinOperator};

use super::{Rewritten, Rule, Same, Subject, Worth};
use crate::advice::scope::Scope;
use crate::query::conjuncts;

pub(super) const RULE: Rule = Rule {
    id: "left-join-to-inner",
    persona: &["O7"],
    worth: Worth::NotDearer,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let select = subject.only_select()?;
    let parts = conjuncts(select.selection.as_ref()?);
    let scope = subject.scope(select);
    let joins = select.from.iter().flat_map(|from| &from.joins);
    let only_left = joins.clone().all(|join| {
        matches!(
            join.join_operator,
            JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
                | JoinOperator::Join(_)
                | JoinOperator::Inner(_)
                | JoinOperator::CrossJoin(_)
        )
    });
    if !only_left {
        return None;
    }
    let mut select = select.clone();
    let mut names = Vec::new();
    let mut at = 0;
    for from in &mut select.from {
        at += 1;
        for join in &mut from.joins {
            let (JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint)) =
                &join.join_operator
            else {
                at += 1;
                continue;
            };
            if parts.iter().any(|part| rejects_null(part, at, &scope)) {
                join.join_operator = JoinOperator::Join(constraint.clone());
                names.push(scope.sources.get(at)?.name.to_string());
            }
            at += 1;
        }
    }
    if names.is_empty() {
        return None;
    }
    Some(Rewritten {
        query: subject.with_select(select),
        reason: format!(
            "WHERE throws away the rows without a match in {}: JOIN says so; if they should stay, the condition belongs into ON",
            names.join(", ")
        ),
        same: Same::Always,
    })
}

/// Whether a condition never holds for a row of this source that is all NULL.
fn rejects_null(part: &Expr, at: usize, scope: &Scope<'_>) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let own = |expr: &Expr| scope.column(expr).is_some_and(|found| found.at == at);
    match part {
        Expr::BinaryOp {
            left,
            op: Eq | NotEq | Gt | GtEq | Lt | LtEq,
            right,
        } => own(left) || own(right),
        Expr::InList { expr, .. }
        | Expr::Between { expr, .. }
        | Expr::Like { expr, .. }
        | Expr::ILike { expr, .. }
        | Expr::IsNotNull(expr) => own(expr),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none};
    use super::*;

    #[test]
    fn a_condition_that_null_can_not_meet_makes_it_inner() {
        is(
            &RULE,
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.x = $1",
            "SELECT t.id FROM t JOIN u ON u.t_id = t.id WHERE u.x = $1",
        );
        is(
            &RULE,
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id LEFT JOIN u AS v ON v.t_id = u.id WHERE u.id IS NOT NULL",
            "SELECT t.id FROM t JOIN u ON u.t_id = t.id LEFT JOIN u AS v ON v.t_id = u.id WHERE u.id IS NOT NULL",
        );
        is(
            &RULE,
            "SELECT t.id FROM t LEFT OUTER JOIN u ON u.t_id = t.id WHERE t_id BETWEEN 1 AND 2",
            "SELECT t.id FROM t JOIN u ON u.t_id = t.id WHERE t_id BETWEEN 1 AND 2",
        );
    }

    #[test]
    fn what_keeps_rows_without_a_match_stays() {
        for sql in [
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.id IS NULL",
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE t.a = 1",
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE coalesce(u.x, 1) = 1",
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.x = 1 OR t.a = 1",
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id WHERE u.x IS DISTINCT FROM 1",
            "SELECT t.id FROM t LEFT JOIN u ON u.t_id = t.id AND u.x = 1",
            "SELECT t.id FROM t RIGHT JOIN u ON u.t_id = t.id WHERE u.x = 1",
            "SELECT t.id FROM t FULL JOIN u ON u.t_id = t.id WHERE u.x = 1",
            "SELECT t.id FROM t JOIN u ON u.t_id = t.id WHERE u.x = 1",
        ] {
            none(&RULE, sql);
        }
    }
}
