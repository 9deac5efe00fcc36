//! `(SELECT COUNT(*) …) > 0` → EXISTS, which ends at the first row.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem,
    VisitMut, VisitorMut,
};

use super::{Rewritten, Rule, Same, Subject, Worth, integer, plain_subquery, single, turned};

pub(super) const RULE: Rule = Rule {
    id: "count-to-exists",
    persona: &["O7"],
    worth: Worth::NotDearer,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    struct Each<'s, 'a>(&'s Subject<'a>, bool);
    impl VisitorMut for Each<'_, '_> {
        type Break = ();
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Some(other) = exists(self.0, expr) {
                *expr = other;
                self.1 = true;
            }
            ControlFlow::Continue(())
        }
    }
    let mut query = subject.query.clone();
    let mut each = Each(subject, false);
    let _ = query.visit(&mut each);
    each.1.then(|| Rewritten {
        query,
        reason: "whether there is a row is known at the first one; no need to count them all"
            .to_owned(),
        same: Same::Always,
    })
}

fn exists(subject: &Subject<'_>, expr: &Expr) -> Option<Expr> {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let Expr::BinaryOp { left, op, right } = expr else {
        return None;
    };
    let (counted, op, number) = match (left.as_ref(), right.as_ref()) {
        (Expr::Subquery(counted), number) => (counted, op.clone(), integer(number)?),
        (number, Expr::Subquery(counted)) => (counted, turned(op)?, integer(number)?),
        _ => return None,
    };
    let some = match (op, number) {
        (Gt | NotEq, 0) | (GtEq, 1) => true,
        (Eq | LtEq, 0) | (Lt, 1) => false,
        _ => return None,
    };
    let query = of_rows(subject, counted)?;
    let not = if some { "" } else { "NOT " };
    subject.expression(&format!("{not}EXISTS ({query})"))
}

/// The rows that a subquery counts.
fn of_rows(subject: &Subject<'_>, counted: &Query) -> Option<Query> {
    let select = plain_subquery(counted)?;
    let ungrouped = matches!(&select.group_by, sqlparser::ast::GroupByExpr::Expressions(keys, _) if keys.is_empty());
    if !ungrouped || select.having.is_some() || select.distinct.is_some() {
        return None;
    }
    let Expr::Function(function) = single(select)? else {
        return None;
    };
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let [FunctionArg::Unnamed(argument)] = list.args.as_slice() else {
        return None;
    };
    let every_row = match argument {
        FunctionArgExpr::Wildcard => true,
        FunctionArgExpr::Expr(expr) => {
            integer(expr).is_some()
                || subject
                    .scope(select)
                    .column(expr)
                    .is_some_and(|found| !found.nullable)
        }
        _ => false,
    };
    let counts = function.name.to_string().eq_ignore_ascii_case("count")
        && function.over.is_none()
        && function.filter.is_none()
        && list.clauses.is_empty();
    if !counts || !every_row {
        return None;
    }
    let mut select = select.clone();
    select.projection = vec![SelectItem::UnnamedExpr(subject.expression("1")?)];
    crate::statement::query(&select.to_string(), subject.dialect)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none};
    use super::*;

    #[test]
    fn whether_there_is_one_is_not_counted() {
        is(
            &RULE,
            "SELECT id FROM t WHERE (SELECT count(*) FROM u WHERE u.t_id = t.id AND x = $1) > 0",
            "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id AND x = $1)",
        );
        is(
            &RULE,
            "SELECT id, 0 = (SELECT COUNT(u.id) FROM u WHERE u.t_id = t.id) AS none FROM t",
            "SELECT id, NOT EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id) AS none FROM t",
        );
        is(
            &RULE,
            "SELECT id FROM t WHERE (SELECT count(DISTINCT u.id) FROM u) >= 1",
            "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u)",
        );
    }

    #[test]
    fn a_count_that_matters_stays() {
        for sql in [
            "SELECT id FROM t WHERE (SELECT count(*) FROM u WHERE u.t_id = t.id) > 1",
            "SELECT id FROM t WHERE (SELECT count(*) FROM u WHERE u.t_id = t.id) >= 0",
            "SELECT id FROM t WHERE (SELECT count(x) FROM u WHERE u.t_id = t.id) > 0",
            "SELECT id FROM t WHERE (SELECT count(*) FROM u GROUP BY x) > 0",
            "SELECT id FROM t WHERE (SELECT count(*) FROM u LIMIT 1) > 0",
            "SELECT id FROM t WHERE (SELECT sum(x) FROM u) > 0",
            "SELECT id FROM t WHERE (SELECT count(*) FILTER (WHERE x > 1) FROM u) > 0",
            "SELECT a FROM t GROUP BY a HAVING count(*) > 0",
        ] {
            none(&RULE, sql);
        }
    }
}
