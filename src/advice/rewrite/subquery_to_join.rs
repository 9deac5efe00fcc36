//! An aggregate that is looked up for each row → a join with all of them, grouped once.

use sqlparser::ast::{BinaryOperator, Expr, Select, SelectItem, TableWithJoins};

use super::{Rewritten, Rule, Same, Subject, Worth, call, has_query, plain_subquery, single};
use crate::advice::scope::{Found, Scope, and_part, kind};
use crate::query::conjuncts;

pub(super) const RULE: Rule = Rule {
    id: "subquery-to-join",
    persona: &["O7"],
    worth: Worth::Cheaper,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let select = subject.plain_select()?;
    let scope = subject.scope(select);
    let [_] = select.from.as_slice() else {
        return None;
    };
    let mut select = select.clone();
    let mut made = 0;
    for item in &mut select.projection {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.clone())),
            _ => continue,
        };
        let Expr::Subquery(query) = expr else {
            continue;
        };
        let Some(inner) = plain_subquery(query) else {
            continue;
        };
        let Some(grouped) = grouped(subject, inner, &scope, made + 1) else {
            continue;
        };
        made += 1;
        // Without a name of its own the column keeps that of the function.
        let alias = alias.unwrap_or_else(|| sqlparser::ast::Ident::new(grouped.function));
        *item = SelectItem::ExprWithAlias {
            expr: subject.expression(&grouped.value)?,
            alias,
        };
        let joined = join(subject, &grouped.join)?;
        select.from.first_mut()?.joins.extend(joined.joins);
    }
    if made == 0 {
        return None;
    }
    // Where costs are unknown: only when all rows are asked for, and each search reads the whole table.
    if subject.plan.cost().is_none() && subject.query.limit_clause.is_some() {
        return None;
    }
    Some(Rewritten {
        query: subject.with_select(select),
        reason: "grouped once and joined, in place of a subquery that runs again for each row"
            .to_owned(),
        same: Same::Always,
    })
}

struct Grouped {
    function: String,
    value: String,
    join: String,
}

fn grouped(
    subject: &Subject<'_>,
    inner: &Select,
    outer: &Scope<'_>,
    number: usize,
) -> Option<Grouped> {
    let plain = matches!(&inner.group_by, sqlparser::ast::GroupByExpr::Expressions(keys, _) if keys.is_empty());
    if !plain || inner.having.is_some() || inner.distinct.is_some() {
        return None;
    }
    let aggregate = single(inner)?;
    let (function, value) = one_aggregate(aggregate)?;
    let scope = subject.scope(inner);
    if !scope.is_known() || aggregate_names_others(aggregate, &scope) {
        return None;
    }
    let mut keys: Vec<(Found<'_>, Found<'_>)> = Vec::new();
    let mut local = Vec::new();
    for part in conjuncts(inner.selection.as_ref()?) {
        if scope.columns(part).is_some() {
            local.push(and_part(part));
            continue;
        }
        let Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = part
        else {
            return None;
        };
        keys.push(
            correlated(left, right, &scope, outer)
                .or_else(|| correlated(right, left, &scope, outer))?,
        );
    }
    if keys.is_empty() {
        return None;
    }
    // Where costs are unknown, a subquery that finds its rows in an index may well be the better way.
    if subject.plan.cost().is_none() && keys.iter().any(|(own, _)| own.has_index()) {
        return None;
    }
    let alias = format!("grouped_{number}");
    if outer
        .sources
        .iter()
        .any(|source| source.name.value.eq_ignore_ascii_case(&alias))
    {
        return None;
    }
    let mut list = Vec::new();
    let mut names = Vec::new();
    let mut on = Vec::new();
    for (at, (own, other)) in keys.iter().enumerate() {
        let name = scope.name(own);
        list.push(format!("{name} AS key_{}", at + 1));
        on.push(format!("{alias}.key_{} = {}", at + 1, outer.name(other)));
        names.push(name);
    }
    list.push(format!("{aggregate} AS value_{number}"));
    let from: Vec<String> = inner.from.iter().map(ToString::to_string).collect();
    let condition = if local.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", local.join(" AND "))
    };
    let join = format!(
        "LEFT JOIN (SELECT {} FROM {}{condition} GROUP BY {}) AS {alias} ON {}",
        list.join(", "),
        from.join(", "),
        names.join(", "),
        on.join(" AND "),
    );
    let column = format!("{alias}.value_{number}");
    let value = if value == Empty::Zero {
        format!("COALESCE({column}, 0)")
    } else {
        column
    };
    Some(Grouped {
        function,
        value,
        join,
    })
}

/// What an aggregate gives of no rows.
#[derive(Debug, PartialEq, Eq)]
enum Empty {
    Null,
    Zero,
}

fn one_aggregate(expr: &Expr) -> Option<(String, Empty)> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let name = function.name.to_string().to_lowercase();
    if name == "count" {
        let usual = function.filter.is_none() && function.over.is_none();
        return usual.then_some((name, Empty::Zero));
    }
    let arguments = call(expr, &["sum", "min", "max", "avg"])?;
    (arguments.len() == 1).then_some((name, Empty::Null))
}

/// Whether the aggregate is not of the inner rows alone.
fn aggregate_names_others(aggregate: &Expr, scope: &Scope<'_>) -> bool {
    has_query(aggregate) || scope.columns(aggregate).is_none()
}

/// A column of the inner query that equals one of the query around it; of one kind, so that what is equal falls
/// into one group.
fn correlated<'a>(
    own: &Expr,
    other: &Expr,
    scope: &Scope<'a>,
    outer: &Scope<'a>,
) -> Option<(Found<'a>, Found<'a>)> {
    let own = scope.column(own)?;
    if scope.column(other).is_some() {
        return None;
    }
    let other = outer.column(other)?;
    let same =
        kind(own.column) == kind(other.column) && own.column.collation == other.column.collation;
    same.then_some((own, other))
}

/// The text of a join as the parser reads it.
fn join(subject: &Subject<'_>, text: &str) -> Option<TableWithJoins> {
    let query = crate::statement::query(&format!("SELECT 1 FROM anchor {text}"), subject.dialect)?;
    match *query.body {
        sqlparser::ast::SetExpr::Select(select) => select.from.into_iter().next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none, with_cost};
    use super::*;

    #[test]
    fn what_is_counted_for_each_row_is_counted_once() {
        is(
            &RULE,
            "SELECT t.id, (SELECT count(*) FROM u WHERE u.t_id = t.id AND x > $1) AS many FROM t WHERE a = 1",
            "SELECT t.id, COALESCE(grouped_1.value_1, 0) AS many FROM t LEFT JOIN (SELECT u.t_id AS key_1, count(*) AS value_1 FROM u WHERE x > $1 GROUP BY u.t_id) AS grouped_1 ON grouped_1.key_1 = t.id WHERE a = 1",
        );
        is(
            &RULE,
            "SELECT id, (SELECT max(x) FROM u WHERE t.id = t_id) FROM t",
            "SELECT id, grouped_1.value_1 AS max FROM t LEFT JOIN (SELECT u.t_id AS key_1, max(x) AS value_1 FROM u GROUP BY u.t_id) AS grouped_1 ON grouped_1.key_1 = t.id",
        );
    }

    #[test]
    fn what_is_not_one_group_for_each_row_stays() {
        for sql in [
            "SELECT id, (SELECT count(*) FROM u) FROM t",
            "SELECT id, (SELECT count(*) FROM u WHERE u.t_id > t.id) FROM t",
            "SELECT id, (SELECT count(*) FROM u WHERE u.t_id = t.id OR x = 1) FROM t",
            "SELECT id, (SELECT count(*) + 1 FROM u WHERE u.t_id = t.id) FROM t",
            "SELECT id, (SELECT coalesce(sum(x), 0) FROM u WHERE u.t_id = t.id) FROM t",
            "SELECT id, (SELECT sum(x + t.a) FROM u WHERE u.t_id = t.id) FROM t",
            "SELECT id, (SELECT x FROM u WHERE u.t_id = t.id) FROM t",
            "SELECT id, (SELECT count(*) FROM u WHERE u.t_id = t.id GROUP BY x) FROM t",
            "SELECT id, (SELECT count(*) FROM u WHERE u.t_id = t.id LIMIT 1) FROM t",
            "SELECT id, (SELECT count(*) FROM u WHERE u.name = t.id) FROM t",
            "SELECT a, (SELECT count(*) FROM u WHERE u.t_id = t.a) FROM t GROUP BY a",
            "SELECT DISTINCT a, (SELECT count(*) FROM u WHERE u.t_id = t.a) FROM t",
            "SELECT t.id, (SELECT count(*) FROM u WHERE u.t_id = t.id) FROM t, u AS v",
            "SELECT id, (SELECT count(*) FROM elsewhere AS u WHERE u.t_id = t.id) FROM t",
        ] {
            none(&RULE, sql);
        }
    }

    #[test]
    fn without_a_cost_an_indexed_search_stays() {
        let sql = "SELECT id, (SELECT count(*) FROM u WHERE u.t_id = t.id) FROM t";
        assert!(with_cost(&RULE, sql, Some(10.0)).is_some());
        assert!(with_cost(&RULE, sql, None).is_none());
        let sql = "SELECT id, (SELECT count(*) FROM u WHERE u.x = t.id) FROM t";
        assert!(with_cost(&RULE, sql, None).is_some());
        assert!(with_cost(&RULE, &format!("{sql} LIMIT 5"), None).is_none());
    }
}
