//! `x NOT IN (SELECT y …)` → NOT EXISTS, which does not lose all rows to one NULL.

use std::cell::Cell;

use sqlparser::ast::{Expr, Ident, TableAlias, TableFactor};

use super::{Rewritten, Rule, Same, Subject, Worth, has_query, is_grouped, plain_subquery, single};
use crate::advice::scope::{Found, Scope, and_part};
use crate::query::conjuncts;

pub(super) const RULE: Rule = Rule {
    id: "not-in-to-not-exists",
    persona: &["A5", "O7"],
    worth: Worth::Always,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let nullable = Cell::new(false);
    let query = subject.each_condition(|part, outer| {
        let Expr::InSubquery {
            expr,
            subquery,
            negated: true,
        } = part
        else {
            return None;
        };
        let found = outer.column(expr)?;
        let (text, inner_nullable) = not_exists(subject, subquery, outer, &found)?;
        nullable.set(nullable.get() || inner_nullable || found.nullable);
        Some(text)
    })?;
    let (reason, same) = if nullable.get() {
        (
            "differs when a value is NULL: NOT IN then gives no row (or leaves out the row whose own value is NULL), NOT EXISTS gives those without a match, which is what is meant as a rule",
            Same::UnlessNull,
        )
    } else {
        (
            "no value can be NULL here, so that it is the same; the planner can look for what has no match instead of comparing with a list",
            Same::Always,
        )
    };
    // What can't be NULL is a matter of cost alone.
    if same == Same::Always && subject.plan.cost().is_none() {
        return None;
    }
    Some(Rewritten {
        query,
        reason: reason.to_owned(),
        same,
    })
}

fn not_exists<'a>(
    subject: &Subject<'a>,
    subquery: &sqlparser::ast::Query,
    outer: &Scope<'a>,
    compared: &Found<'a>,
) -> Option<(String, bool)> {
    let select = plain_subquery(subquery)?;
    if is_grouped(select) || select.having.is_some() {
        return None;
    }
    let inner = subject.scope(select);
    let value = single(select)?;
    let found = inner.column(value)?;
    // `WHERE y IS NOT NULL` takes the trap away.
    let parts = select.selection.as_ref().map(conjuncts).unwrap_or_default();
    let guarded = parts.iter().any(
        |part| matches!(part, Expr::IsNotNull(inner_part) if inner.column(inner_part) == Some(found)),
    );
    let taken = |name: &Ident| {
        let same = |source: &crate::advice::scope::Source<'_>| {
            source.name.value.eq_ignore_ascii_case(&name.value)
        };
        outer.sources.iter().any(same)
    };
    let mut select = select.clone();
    select.distinct = None;
    // What is compared with comes from around: its table's name must not mean another one inside.
    let (inner, renamed) = if inner.sources.iter().any(|source| taken(&source.name)) {
        let [source] = inner.sources.as_slice() else {
            return None;
        };
        let own = Ident::new(format!("other_{}", source.name.value));
        if taken(&own) {
            return None;
        }
        let [from] = select.from.as_mut_slice() else {
            return None;
        };
        let TableFactor::Table { alias, .. } = &mut from.relation else {
            return None;
        };
        *alias = Some(TableAlias {
            explicit: true,
            name: own.clone(),
            columns: Vec::new(),
            at: None,
        });
        let mut renamed = inner.clone();
        renamed.sources.first_mut()?.name = own;
        (inner, renamed)
    } else {
        (inner.clone(), inner)
    };
    let mut conditions = Vec::new();
    for part in parts {
        let text = if has_query(part) {
            if inner.sources.first()?.name != renamed.sources.first()?.name {
                return None;
            }
            and_part(part)
        } else {
            match inner.qualified(part, |found| renamed.name(found)) {
                Some(text) => text,
                // A name from around: as it was, if nothing was renamed.
                None if inner.sources.first()?.name == renamed.sources.first()?.name => {
                    and_part(part)
                }
                None => return None,
            }
        };
        conditions.push(text);
    }
    conditions.push(format!(
        "{} = {}",
        renamed.name(&found),
        outer.name(compared)
    ));
    select.projection = vec![sqlparser::ast::SelectItem::UnnamedExpr(
        subject.expression("1")?,
    )];
    select.selection = Some(subject.all_of(&conditions)?);
    Some((format!("NOT EXISTS ({select})"), found.nullable && !guarded))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, made, none};
    use super::*;

    #[test]
    fn what_may_be_null_is_said() {
        is(
            &RULE,
            "SELECT a FROM t WHERE id NOT IN (SELECT x FROM u WHERE name = $1)",
            "SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.name = $1 AND u.x = t.id)",
        );
        let sql = "SELECT a FROM t WHERE id NOT IN (SELECT x FROM u)";
        assert_eq!(made(&RULE, sql).unwrap().same, Same::UnlessNull);
        for sql in [
            "SELECT a FROM t WHERE id NOT IN (SELECT t_id FROM u)",
            "SELECT a FROM t WHERE id NOT IN (SELECT x FROM u WHERE x IS NOT NULL)",
        ] {
            assert_eq!(made(&RULE, sql).unwrap().same, Same::Always, "{sql}");
        }
    }

    #[test]
    fn a_table_that_is_read_twice_gets_another_name() {
        is(
            &RULE,
            "SELECT id FROM t WHERE a > 1 AND id NOT IN (SELECT b FROM t WHERE a = 2)",
            "SELECT id FROM t WHERE a > 1 AND NOT EXISTS (SELECT 1 FROM t AS other_t WHERE other_t.a = 2 AND other_t.b = t.id)",
        );
    }

    #[test]
    fn what_is_more_than_a_list_stays() {
        for sql in [
            "SELECT a FROM t WHERE id IN (SELECT x FROM u)",
            "SELECT a FROM t WHERE id NOT IN (1, 2)",
            "SELECT a FROM t WHERE id NOT IN (SELECT max(x) FROM u)",
            "SELECT a FROM t WHERE id NOT IN (SELECT x FROM u LIMIT 5)",
            "SELECT a FROM t WHERE id NOT IN (SELECT x FROM u UNION SELECT t_id FROM u)",
            "SELECT a FROM t WHERE id NOT IN (SELECT x FROM u GROUP BY x)",
            "SELECT a FROM t WHERE id + 1 NOT IN (SELECT x FROM u)",
            "SELECT a FROM t WHERE id NOT IN (SELECT x + 1 FROM u)",
            "SELECT a FROM t WHERE id NOT IN (SELECT x FROM u) OR a = 1",
        ] {
            none(&RULE, sql);
        }
    }
}
