//! UNION of queries that can't have a row in common → UNION ALL, which looks for no duplicates.

use sqlparser::ast::{
    BinaryOperator, Expr, Select, SelectItem, SetExpr, SetOperator, SetQuantifier,
};

use super::{Rewritten, Rule, Same, Subject, Worth, is_grouped, is_usual, surely_differ};
use crate::advice::scope::{Found, Scope};
use crate::query::conjuncts;

pub(super) const RULE: Rule = Rule {
    id: "union-to-union-all",
    persona: &["O7"],
    worth: Worth::NotDearer,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::None | SetQuantifier::Distinct,
        left,
        right,
    } = subject.query.body.as_ref()
    else {
        return None;
    };
    let (SetExpr::Select(a), SetExpr::Select(b)) = (left.as_ref(), right.as_ref()) else {
        return None;
    };
    if !is_usual(a) || !is_usual(b) || a.projection.len() != b.projection.len() {
        return None;
    }
    let (scope_a, scope_b) = (subject.scope(a), subject.scope(b));
    let told_apart = |select: &Select, scope: &Scope<'_>| {
        let shown: Vec<Found<'_>> = select
            .projection
            .iter()
            .filter_map(|item| scope.column(expression(item)?))
            .collect();
        select.distinct.is_some()
            || scope.sources.len() == 1 && !is_grouped(select) && scope.has_key(0, &shown)
    };
    if !told_apart(a, &scope_a) || !told_apart(b, &scope_b) {
        return None;
    }
    if !constants_differ(a, b) && !rows_differ(a, &scope_a, b, &scope_b) {
        return None;
    }
    let mut query = subject.query.clone();
    if let SetExpr::SetOperation { set_quantifier, .. } = query.body.as_mut() {
        *set_quantifier = SetQuantifier::All;
    }
    Some(Rewritten {
        query,
        reason:
            "no row can come from both queries, nor twice from one: nothing needs to be sorted out"
                .to_owned(),
        same: Same::Always,
    })
}

const fn expression(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// One column holds different constants.
fn constants_differ(a: &Select, b: &Select) -> bool {
    let mut pairs = a.projection.iter().zip(&b.projection);
    pairs.any(|(a, b)| {
        expression(a)
            .zip(expression(b))
            .is_some_and(|(a, b)| surely_differ(a, b))
    })
}

/// They read different rows of one table, and what comes out tells its rows apart.
fn rows_differ(a: &Select, scope_a: &Scope<'_>, b: &Select, scope_b: &Scope<'_>) -> bool {
    let ([one], [other]) = (scope_a.sources.as_slice(), scope_b.sources.as_slice()) else {
        return false;
    };
    let (Some(one), Some(other)) = (one.table, other.table) else {
        return false;
    };
    let shown: Vec<Found<'_>> = a
        .projection
        .iter()
        .zip(&b.projection)
        .filter_map(|(a, b)| {
            let a = scope_a.column(expression(a)?)?;
            let b = scope_b.column(expression(b)?)?;
            (a == b).then_some(a)
        })
        .collect();
    if !std::ptr::eq(one, other) || !scope_a.has_key(0, &shown) {
        return false;
    }
    let (fixed_a, fixed_b) = (fixed(a, scope_a), fixed(b, scope_b));
    fixed_a.iter().any(|(column, value)| {
        fixed_b
            .iter()
            .any(|(other, others)| column == other && surely_differ(value, others))
    })
}

/// Columns that WHERE holds to one value.
fn fixed<'s, 'a>(select: &'s Select, scope: &Scope<'a>) -> Vec<(Found<'a>, &'s Expr)> {
    let parts = select.selection.as_ref().map(conjuncts).unwrap_or_default();
    parts
        .into_iter()
        .filter_map(|part| match part {
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } => match (scope.column(left), scope.column(right)) {
                (Some(column), None) => Some((column, right.as_ref())),
                (None, Some(column)) => Some((column, left.as_ref())),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none};
    use super::*;

    #[test]
    fn queries_without_a_row_in_common_need_no_sorting_out() {
        is(
            &RULE,
            "SELECT id, 'new' AS state FROM t WHERE a = 1 UNION SELECT id, 'old' FROM u ORDER BY 1",
            "SELECT id, 'new' AS state FROM t WHERE a = 1 UNION ALL SELECT id, 'old' FROM u ORDER BY 1",
        );
        is(
            &RULE,
            "SELECT id, a FROM t WHERE name = 'x' AND b > 1 UNION SELECT id, a FROM t WHERE 'y' = name",
            "SELECT id, a FROM t WHERE name = 'x' AND b > 1 UNION ALL SELECT id, a FROM t WHERE 'y' = name",
        );
        is(
            &RULE,
            "SELECT DISTINCT a, 1 FROM t UNION SELECT DISTINCT x, 2 FROM u",
            "SELECT DISTINCT a, 1 FROM t UNION ALL SELECT DISTINCT x, 2 FROM u",
        );
    }

    #[test]
    fn where_a_row_could_come_twice_it_stays() {
        for sql in [
            "SELECT id FROM t UNION SELECT id FROM u",
            "SELECT a, 'new' FROM t UNION SELECT x, 'old' FROM u",
            "SELECT id, 'new' FROM t UNION SELECT id, 'New' FROM u",
            "SELECT id, 'é' FROM t UNION SELECT id, 'e' FROM u",
            "SELECT id FROM t WHERE a = 1 UNION SELECT id FROM t WHERE b = 2",
            "SELECT id FROM t WHERE a = 1 UNION SELECT id FROM t WHERE a = $1",
            "SELECT id FROM t WHERE a = 1 UNION SELECT id FROM u WHERE x = 2",
            "SELECT a, id FROM t WHERE a = 1 UNION SELECT id, a FROM t WHERE a = 2",
            "SELECT t.id, 1 FROM t JOIN u ON u.t_id = t.id UNION SELECT id, 2 FROM t",
            "SELECT id, 1 FROM t UNION ALL SELECT id, 2 FROM t",
            "SELECT id, 1 FROM t EXCEPT SELECT id, 2 FROM t",
            "SELECT id, 1 FROM t UNION SELECT id, 2 FROM t UNION SELECT id, 3 FROM t",
        ] {
            none(&RULE, sql);
        }
    }
}
