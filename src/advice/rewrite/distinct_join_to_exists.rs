//! DISTINCT over a join that only multiplies → EXISTS.

use sqlparser::ast::{
    BinaryOperator, Distinct, Expr, OrderByKind, Select, SelectItem, TableWithJoins,
};

use super::{Rewritten, Rule, Same, Subject, Worth, is_grouped};
use crate::advice::scope::{Found, Scope, and_part, inner_condition};
use crate::query::conjuncts;

pub(super) const RULE: Rule = Rule {
    id: "distinct-join-to-exists",
    persona: &["O7"],
    worth: Worth::Cheaper,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let select = subject.only_select()?;
    if !matches!(select.distinct, Some(Distinct::Distinct)) || is_grouped(select) {
        return None;
    }
    let scope = subject.scope(select);
    let [from] = select.from.as_slice() else {
        return None;
    };
    if !scope.is_known() || from.joins.is_empty() {
        return None;
    }
    // All that comes out is of one table.
    let shown = shown(select, &scope)?;
    let kept = shown.first()?.at;
    let ordered = match &subject.query.order_by {
        None => Vec::new(),
        Some(order) => match &order.kind {
            OrderByKind::Expressions(keys) => keys
                .iter()
                .filter(|key| super::integer(&key.expr).is_none())
                .map(|key| scope.column(&key.expr))
                .collect::<Option<Vec<_>>>()?,
            OrderByKind::All(_) => return None,
        },
    };
    if shown.iter().chain(&ordered).any(|found| found.at != kept) {
        return None;
    }
    let (mut conditions, mut others) = (Vec::new(), Vec::new());
    for join in &from.joins {
        let on = inner_condition(&join.join_operator)?;
        conditions.extend(on.map(conjuncts).unwrap_or_default());
    }
    conditions.extend(select.selection.as_ref().map(conjuncts).unwrap_or_default());
    let relations: Vec<_> = std::iter::once(&from.relation)
        .chain(from.joins.iter().map(|join| &join.relation))
        .collect();
    for (at, relation) in relations.iter().enumerate() {
        if at != kept {
            others.push(relation.to_string());
        }
    }
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    for part in &conditions {
        let columns = scope.columns(part)?;
        if columns.iter().all(|found| found.at == kept) {
            outside.push(and_part(part));
        } else {
            inside.push(and_part(part));
        }
    }
    let ties = |part: &String| -> bool {
        subject
            .expression(part)
            .and_then(|expr| scope.columns(&expr))
            .is_some_and(|columns| columns.iter().any(|found| found.at == kept))
    };
    if !inside.iter().any(ties) {
        return None;
    }
    // Where costs are unknown: only if an index finds the rows that are asked for.
    if subject.plan.cost().is_none() && !is_searched(&conditions, kept, &scope) {
        return None;
    }
    outside.push(format!(
        "EXISTS (SELECT 1 FROM {} WHERE {})",
        others.join(" CROSS JOIN "),
        inside.join(" AND ")
    ));
    let mut select = select.clone();
    select.from = vec![TableWithJoins {
        relation: (*relations.get(kept)?).clone(),
        joins: Vec::new(),
    }];
    select.selection = Some(subject.all_of(&outside)?);
    let told_apart = scope.has_key(kept, &shown);
    if told_apart {
        select.distinct = None;
    }
    Some(Rewritten {
        query: subject.with_select(select),
        reason: if told_apart {
            "the joined table only decides which rows come: with EXISTS none comes twice, and there is nothing to sort out"
        } else {
            "the joined table only decides which rows come: with EXISTS it ends at the first match, and fewer rows are sorted out"
        }
        .to_owned(),
        same: Same::Always,
    })
}

/// Whether a column of another table that equals one of the table that stays has an index.
fn is_searched(conditions: &[&Expr], kept: usize, scope: &Scope<'_>) -> bool {
    conditions.iter().any(|part| {
        let Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = part
        else {
            return false;
        };
        let Some((left, right)) = scope.column(left).zip(scope.column(right)) else {
            return false;
        };
        let other = if left.at == kept { right } else { left };
        other.at != kept && other.has_index()
    })
}

/// The columns that come out, if they are nothing else.
fn shown<'a>(select: &Select, scope: &Scope<'a>) -> Option<Vec<Found<'a>>> {
    select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                scope.column(expr)
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none, with_cost};
    use super::*;

    #[test]
    fn a_table_that_only_decides_is_asked_for_one_row() {
        is(
            &RULE,
            "SELECT DISTINCT t.id, t.a FROM t JOIN u ON u.t_id = t.id WHERE u.x = $1 AND t.a > 2 ORDER BY t.id",
            "SELECT t.id, t.a FROM t WHERE t.a > 2 AND EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id AND u.x = $1) ORDER BY t.id",
        );
        is(
            &RULE,
            "SELECT DISTINCT t.a FROM u JOIN t ON u.t_id = t.id",
            "SELECT DISTINCT t.a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)",
        );
        is(
            &RULE,
            "SELECT DISTINCT t.id FROM t JOIN u ON u.t_id = t.id JOIN u AS v ON v.id = u.x",
            "SELECT t.id FROM t WHERE EXISTS (SELECT 1 FROM u CROSS JOIN u AS v WHERE u.t_id = t.id AND v.id = u.x)",
        );
    }

    #[test]
    fn without_a_cost_an_index_must_find_the_row() {
        let sql = |column| format!("SELECT DISTINCT t.id FROM t JOIN u ON u.{column} = t.id");
        assert!(with_cost(&RULE, &sql("t_id"), None).is_some());
        assert!(with_cost(&RULE, &sql("x"), None).is_none());
        assert!(with_cost(&RULE, &sql("x"), Some(1.0)).is_some());
    }

    #[test]
    fn where_both_tables_are_shown_or_rows_stay_without_a_match_it_stays() {
        for sql in [
            "SELECT t.id FROM t JOIN u ON u.t_id = t.id",
            "SELECT DISTINCT t.id, u.x FROM t JOIN u ON u.t_id = t.id",
            "SELECT DISTINCT t.id FROM t LEFT JOIN u ON u.t_id = t.id",
            "SELECT DISTINCT t.id FROM t JOIN u USING (id)",
            "SELECT DISTINCT t.id, count(*) FROM t JOIN u ON u.t_id = t.id GROUP BY t.id",
            "SELECT DISTINCT t.id FROM t CROSS JOIN u",
            "SELECT DISTINCT t.id FROM t JOIN u ON u.t_id = t.id WHERE t.a > (SELECT max(x) FROM u)",
            "SELECT DISTINCT t.id FROM t JOIN elsewhere AS e ON e.t_id = t.id",
            "SELECT DISTINCT t.id + 1 FROM t JOIN u ON u.t_id = t.id",
            "SELECT DISTINCT a FROM t",
        ] {
            none(&RULE, sql);
        }
    }
}
