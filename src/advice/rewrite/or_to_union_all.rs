//! OR over several columns → one query for each arm, each of which leaves out what those before it gave.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::{Rewritten, Rule, Same, Subject, Worth, and_part};
use crate::advice::scope::{Found, Scope};
use crate::query::conjuncts;

pub(super) const RULE: Rule = Rule {
    id: "or-to-union-all",
    persona: &["O7"],
    worth: Worth::Cheaper,
    rewrite,
};

const MOST_ARMS: usize = 4;

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let select = subject.plain_select()?;
    let scope = subject.scope(select);
    let parts = conjuncts(select.selection.as_ref()?);
    let (at, arms) = parts.iter().enumerate().find_map(|(at, part)| {
        let arms = disjuncts(part);
        let found = (2..=MOST_ARMS).contains(&arms.len()) && apart(&arms, &scope);
        found.then_some((at, arms))
    })?;
    // Two indexes may be read for one OR as well, and where costs are unknown that is as good.
    if subject.plan.cost().is_none() && reads_several_indexes(subject) {
        return None;
    }
    let rest: Vec<String> = parts
        .iter()
        .enumerate()
        .filter(|(position, _)| *position != at)
        .map(|(_, part)| and_part(part))
        .collect();
    let mut queries = Vec::new();
    for (number, arm) in arms.iter().enumerate() {
        let mut own = rest.clone();
        own.push(and_part(arm));
        own.extend(
            arms.iter()
                .take(number)
                .map(|before| format!("({before}) IS NOT TRUE")),
        );
        let mut select = select.clone();
        select.selection = Some(subject.all_of(&own)?);
        queries.push(select.to_string());
    }
    let union = crate::statement::query(&queries.join(" UNION ALL "), subject.dialect)?;
    let order_by = match &subject.query.order_by {
        None => None,
        Some(order) => Some(of_output(order, select, &scope)?),
    };
    let query = Query {
        body: union.body,
        order_by,
        ..subject.query.clone()
    };
    Some(Rewritten {
        query,
        reason:
            "an index can serve each arm by itself; an arm leaves out what those before it gave"
                .to_owned(),
        same: Same::Always,
    })
}

fn disjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Or,
            right,
        } => {
            let mut arms = disjuncts(left);
            arms.extend(disjuncts(right));
            arms
        }
        Expr::Nested(inner) => disjuncts(inner),
        other => vec![other],
    }
}

/// Whether each arm can be looked up in an index of its own, and they are not all about one column.
fn apart(arms: &[&Expr], scope: &Scope<'_>) -> bool {
    let mut columns: Vec<Found<'_>> = Vec::new();
    for arm in arms {
        let Some(column) = searched(arm, scope) else {
            return false;
        };
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns.len() > 1
}

/// The column by which an arm could be found in an index.
fn searched<'a>(arm: &Expr, scope: &Scope<'a>) -> Option<Found<'a>> {
    conjuncts(arm).into_iter().find_map(|part| {
        let (column, others) = match part {
            Expr::BinaryOp { left, op, right } => {
                super::turned(op).filter(|op| *op != BinaryOperator::NotEq)?;
                match scope.column(left) {
                    Some(column) => (column, vec![right.as_ref()]),
                    None => (scope.column(right)?, vec![left.as_ref()]),
                }
            }
            Expr::InList {
                expr,
                list,
                negated: false,
            } => (scope.column(expr)?, list.iter().collect()),
            Expr::IsNull(inner) => (scope.column(inner)?, Vec::new()),
            _ => return None,
        };
        let constant = others.iter().all(|other| {
            scope
                .columns(other)
                .is_some_and(|columns| columns.is_empty())
        });
        (constant && column.has_index()).then_some(column)
    })
}

fn reads_several_indexes(subject: &Subject<'_>) -> bool {
    subject.plan.nodes.iter().any(|node| {
        let operation = node.operation.to_lowercase();
        operation.contains("multi-index or") || operation.contains("index_merge")
    })
}

/// ORDER BY of a UNION may name only columns that come out, and by their bare names.
fn of_output(
    order: &sqlparser::ast::OrderBy,
    select: &sqlparser::ast::Select,
    scope: &Scope<'_>,
) -> Option<sqlparser::ast::OrderBy> {
    let mut order = order.clone();
    let sqlparser::ast::OrderByKind::Expressions(keys) = &mut order.kind else {
        return None;
    };
    for key in keys {
        // A number counts the columns that come out.
        if super::integer(&key.expr).is_some() {
            continue;
        }
        let column = scope.column(&key.expr)?;
        let mut out = select.projection.iter().filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) if scope.column(expr) == Some(column) => match expr {
                Expr::Identifier(name) => Some(name.clone()),
                Expr::CompoundIdentifier(parts) => parts.last().cloned(),
                _ => None,
            },
            SelectItem::ExprWithAlias { expr, alias } if scope.column(expr) == Some(column) => {
                Some(alias.clone())
            }
            SelectItem::Wildcard(_) if scope.sources.len() == 1 => match &key.expr {
                Expr::Identifier(name) => Some(name.clone()),
                Expr::CompoundIdentifier(parts) => parts.last().cloned(),
                _ => None,
            },
            _ => None,
        });
        let name = out.next()?;
        // Two columns of one name: it would be open which is meant.
        if select.projection.len() > 1
            && scope.sources.len() > 1
            && same_name_twice(select, &name.value)
        {
            return None;
        }
        key.expr = Expr::Identifier(name);
    }
    Some(order)
}

fn same_name_twice(select: &sqlparser::ast::Select, name: &str) -> bool {
    let named = select.projection.iter().filter(|item| match item {
        SelectItem::UnnamedExpr(Expr::Identifier(own)) => own.value.eq_ignore_ascii_case(name),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts
            .last()
            .is_some_and(|own| own.value.eq_ignore_ascii_case(name)),
        SelectItem::ExprWithAlias { alias, .. } => alias.value.eq_ignore_ascii_case(name),
        _ => true,
    });
    named.count() > 1
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none};
    use super::*;

    #[test]
    fn each_arm_leaves_out_what_came_before() {
        is(
            &RULE,
            "SELECT id FROM u WHERE t_id = $1 OR id = 5",
            "SELECT id FROM u WHERE t_id = $1 UNION ALL SELECT id FROM u WHERE id = 5 AND (t_id = $1) IS NOT TRUE",
        );
        is(
            &RULE,
            "SELECT u.id, u.x FROM u WHERE (u.t_id = 1 OR u.id IN (5, 6)) AND u.x > 2 ORDER BY u.x DESC LIMIT 10",
            "SELECT u.id, u.x FROM u WHERE u.x > 2 AND u.t_id = 1 UNION ALL SELECT u.id, u.x FROM u WHERE u.x > 2 AND u.id IN (5, 6) AND (u.t_id = 1) IS NOT TRUE ORDER BY x DESC LIMIT 10",
        );
    }

    #[test]
    fn where_no_index_would_serve_or_rows_are_counted_it_stays() {
        for sql in [
            "SELECT id FROM u WHERE t_id = 1 OR t_id = 2",
            "SELECT id FROM u WHERE t_id = 1 OR x = 2",
            "SELECT id FROM u WHERE t_id = 1 OR id <> 2",
            "SELECT count(*) FROM u WHERE t_id = 1 OR id = 2",
            "SELECT DISTINCT x FROM u WHERE t_id = 1 OR id = 2",
            "SELECT x FROM u WHERE t_id = 1 OR id = 2 GROUP BY x",
            "SELECT row_number() OVER (ORDER BY id) FROM u WHERE t_id = 1 OR id = 2",
            "SELECT id FROM u WHERE t_id = 1 OR id = x",
            "SELECT id FROM u WHERE t_id = 1 OR id = 2 ORDER BY x",
            "SELECT id FROM u WHERE t_id = 1 OR id = 2 ORDER BY abs(id)",
            "SELECT id FROM u WHERE t_id = 1 AND id = 2",
        ] {
            none(&RULE, sql);
        }
    }
}
