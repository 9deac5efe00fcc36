//! HAVING on what rows are grouped by → WHERE, before anything is grouped.

use sqlparser::ast::{Expr, GroupByExpr, SelectItem};

use super::{Rewritten, Rule, Same, Subject, Worth, aggregates};
use crate::advice::scope::{Found, Scope, and_part, and_parts};
use crate::query::conjuncts;

pub(super) const RULE: Rule = Rule {
    id: "having-to-where",
    persona: &["O7"],
    worth: Worth::NotDearer,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let select = subject.only_select()?;
    let having = select.having.as_ref()?;
    let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
        return None;
    };
    if keys.is_empty() || !modifiers.is_empty() {
        return None;
    }
    let scope = subject.scope(select);
    // Every key, so that nothing like ROLLUP is among them.
    let keys: Vec<Found<'_>> = keys
        .iter()
        .map(|key| scope.column(key))
        .collect::<Option<_>>()?;
    let (moved, kept): (Vec<&Expr>, Vec<&Expr>) = conjuncts(having)
        .into_iter()
        .partition(|part| is_of_keys(part, &keys, &scope, &select.projection));
    if moved.is_empty() {
        return None;
    }
    let mut parts = and_parts(select.selection.as_ref());
    parts.extend(moved.into_iter().map(and_part));
    let kept: Vec<String> = kept.into_iter().map(and_part).collect();
    let mut select = select.clone();
    select.selection = Some(subject.all_of(&parts)?);
    select.having = if kept.is_empty() {
        None
    } else {
        Some(subject.all_of(&kept)?)
    };
    Some(Rewritten {
        query: subject.with_select(select),
        reason: "a condition on what rows are grouped by can be asked before they are grouped: an index can serve it there".to_owned(),
        same: Same::Always,
    })
}

fn is_of_keys(
    part: &Expr,
    keys: &[Found<'_>],
    scope: &Scope<'_>,
    projection: &[SelectItem],
) -> bool {
    let Some(columns) = scope.columns(part) else {
        return false;
    };
    // In HAVING a name may mean what the select list computes under it.
    let hidden = projection.iter().any(|item| {
        matches!(item, SelectItem::ExprWithAlias { expr, alias }
            if columns.iter().any(|found| found.column.name.eq_ignore_ascii_case(&alias.value) && scope.column(expr) != Some(*found)))
    });
    !columns.is_empty()
        && !hidden
        && !aggregates(part)
        && columns.iter().all(|column| keys.contains(column))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none};
    use super::*;

    #[test]
    fn a_condition_on_a_key_moves() {
        is(
            &RULE,
            "SELECT a, count(*) FROM t WHERE b > 1 OR b < -1 GROUP BY a HAVING a = $1 AND count(*) > 5",
            "SELECT a, count(*) FROM t WHERE (b > 1 OR b < -1) AND a = $1 GROUP BY a HAVING count(*) > 5",
        );
        is(
            &RULE,
            "SELECT a FROM t GROUP BY a HAVING a = 1 OR a = 2 ORDER BY a",
            "SELECT a FROM t WHERE (a = 1 OR a = 2) GROUP BY a ORDER BY a",
        );
    }

    #[test]
    fn what_needs_the_group_stays() {
        for sql in [
            "SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 5",
            "SELECT a, sum(b) AS b FROM t GROUP BY a HAVING b > 5",
            "SELECT max(b) AS a FROM t GROUP BY a HAVING a > 5",
            "SELECT a FROM t GROUP BY a HAVING a > (SELECT max(x) FROM u)",
            "SELECT a FROM t GROUP BY a HAVING a = 1 OR count(*) > 2",
            "SELECT a FROM t GROUP BY ROLLUP (a) HAVING a = 1",
            "SELECT count(*) FROM t HAVING count(*) > 1",
            "SELECT a FROM t GROUP BY a",
        ] {
            none(&RULE, sql);
        }
    }
}
