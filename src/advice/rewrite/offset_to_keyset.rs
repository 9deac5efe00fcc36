//! A large OFFSET → the rows after the last one that was seen.

use sqlparser::ast::{LimitClause, Offset, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort};

use super::{Rewritten, Rule, Same, Subject, Worth, integer, parameter};
use crate::advice::scope::{Found, and_parts};

pub(super) const RULE: Rule = Rule {
    id: "offset-to-keyset",
    persona: &["O7"],
    worth: Worth::Always,
    rewrite,
};

/// Rows that may be passed over before it matters.
const OFFSET: i64 = 1000;

struct Key {
    column: String,
    /// The parameter that holds the last row's value.
    last: String,
    descends: bool,
}

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let select = subject.plain_select()?;
    let limit = without_offset(subject.query.limit_clause.as_ref()?)?;
    let order = subject.query.order_by.as_ref()?;
    let OrderByKind::Expressions(sorted) = &order.kind else {
        return None;
    };
    // Of one table, so that its key tells all rows apart.
    let scope = subject.scope(select);
    let ([source], [_]) = (scope.sources.as_slice(), select.from.as_slice()) else {
        return None;
    };
    let table = source.table?;
    let primary = table.primary_key.as_ref()?;
    let mut columns: Vec<Found<'_>> = Vec::new();
    let mut keys = Vec::new();
    let mut new_order = sorted.clone();
    let key = |found: &Found<'_>, written: String, descends| Key {
        column: written,
        last: format!(":last_{}", plain(&found.column.name)),
        descends,
    };
    for sort in sorted {
        let found = scope.column(&sort.expr)?;
        // Where NULLs stand is told by no comparison.
        if found.nullable {
            return None;
        }
        let descends = match sort.options.sort {
            None | Some(OrderBySort::Asc) => false,
            Some(OrderBySort::Desc) => true,
            Some(OrderBySort::Using(_)) => return None,
        };
        if !columns.contains(&found) {
            columns.push(found);
            keys.push(key(&found, sort.expr.to_string(), descends));
        }
        if scope.has_key(0, &columns) {
            break;
        }
    }
    let descends = keys.last()?.descends;
    if !scope.has_key(0, &columns) {
        for name in &primary.columns {
            let written = subject.dialect.identifier(name);
            let expr = subject.expression(&written)?;
            let found = scope.column(&expr).filter(|found| !found.nullable)?;
            if !columns.contains(&found) {
                columns.push(found);
                keys.push(key(&found, written, descends));
                new_order.push(OrderByExpr {
                    expr,
                    options: OrderByOptions {
                        sort: descends.then_some(OrderBySort::Desc),
                        nulls_first: None,
                    },
                    with_fill: None,
                });
            }
        }
    }
    let mut parts = and_parts(select.selection.as_ref());
    parts.extend(after(&keys, subject.dialect.searches_by_row_comparison()));
    let mut select = select.clone();
    select.selection = Some(subject.all_of(&parts)?);
    let mut query = subject.with_select(select);
    query.limit_clause = Some(limit);
    query.order_by.as_mut()?.kind = OrderByKind::Expressions(new_order);
    let last: Vec<&str> = keys.iter().map(|key| key.last.as_str()).collect();
    Some(Rewritten {
        query,
        reason: format!(
            "the rows before the page are not read again: {} are the values of the last row of the page before (select them too; the first page has no such condition)",
            last.join(", ")
        ),
        same: Same::NotTried(
            "it goes on after a row that was seen and not after a number of rows; only from page to page are they the same",
        ),
    })
}

/// The limit without the offset, if there is one that matters.
fn without_offset(limit: &LimitClause) -> Option<LimitClause> {
    let (limit, offset) = match limit {
        LimitClause::LimitOffset {
            limit: Some(limit),
            offset: Some(Offset { value, .. }),
            limit_by,
        } if limit_by.is_empty() => (limit, value),
        LimitClause::OffsetCommaLimit { offset, limit } => (limit, offset),
        LimitClause::LimitOffset { .. } => return None,
    };
    let large = parameter(offset).is_some() || integer(offset).is_some_and(|rows| rows >= OFFSET);
    large.then(|| LimitClause::LimitOffset {
        limit: Some(limit.clone()),
        offset: None,
        limit_by: Vec::new(),
    })
}

/// The conditions that a row comes after the last one seen.
fn after(keys: &[Key], by_row: bool) -> Vec<String> {
    let sign = |key: &Key| if key.descends { "<" } else { ">" };
    let Some(first) = keys.first() else {
        return Vec::new();
    };
    if keys.len() == 1 {
        return vec![format!("{} {} {}", first.column, sign(first), first.last)];
    }
    let one_way = keys.iter().all(|key| key.descends == first.descends);
    if by_row && one_way {
        let columns: Vec<&str> = keys.iter().map(|key| key.column.as_str()).collect();
        let last: Vec<&str> = keys.iter().map(|key| key.last.as_str()).collect();
        return vec![format!(
            "({}) {} ({})",
            columns.join(", "),
            sign(first),
            last.join(", ")
        )];
    }
    let mut arms = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let mut arm: Vec<String> = keys
            .iter()
            .take(at)
            .map(|before| format!("{} = {}", before.column, before.last))
            .collect();
        arm.push(format!("{} {} {}", key.column, sign(key), key.last));
        arms.push(arm.join(" AND "));
    }
    // The first alone is what an index is searched by.
    vec![
        format!("{} {}= {}", first.column, sign(first), first.last),
        format!("({})", arms.join(" OR ")),
    ]
}

fn plain(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, is_in, none};
    use super::*;
    use crate::statement::Dialect;

    #[test]
    fn it_goes_on_after_the_last_row() {
        is(
            &RULE,
            "SELECT id, a FROM t WHERE b = $1 ORDER BY a DESC LIMIT 20 OFFSET 5000",
            "SELECT id, a FROM t WHERE b = $1 AND (a, id) < (:last_a, :last_id) ORDER BY a DESC, id DESC LIMIT 20",
        );
        is(
            &RULE,
            "SELECT id FROM t ORDER BY id LIMIT $1 OFFSET $2",
            "SELECT id FROM t WHERE id > :last_id ORDER BY id LIMIT $1",
        );
        is(
            &RULE,
            "SELECT id, a FROM t ORDER BY a DESC, id LIMIT 20 OFFSET 5000",
            "SELECT id, a FROM t WHERE a <= :last_a AND (a < :last_a OR a = :last_a AND id > :last_id) ORDER BY a DESC, id LIMIT 20",
        );
    }

    #[test]
    fn where_rows_are_not_searched_by_they_are_told_apart_key_by_key() {
        is_in(
            Dialect::MySql,
            &RULE,
            "SELECT id, a FROM t WHERE b = ? ORDER BY a LIMIT 4000, 20",
            "SELECT id, a FROM t WHERE b = ? AND a >= :last_a AND (a > :last_a OR a = :last_a AND id > :last_id) ORDER BY a, id LIMIT 20",
        );
    }

    #[test]
    fn pages_without_a_firm_order_stay() {
        for sql in [
            "SELECT id FROM t ORDER BY id LIMIT 20 OFFSET 100",
            "SELECT id FROM t LIMIT 20 OFFSET 5000",
            "SELECT id FROM t ORDER BY b LIMIT 20 OFFSET 5000",
            "SELECT id FROM t ORDER BY abs(a) LIMIT 20 OFFSET 5000",
            "SELECT a, count(*) FROM t GROUP BY a ORDER BY a LIMIT 20 OFFSET 5000",
            "SELECT DISTINCT a FROM t ORDER BY a LIMIT 20 OFFSET 5000",
            "SELECT t.id FROM t JOIN u ON u.t_id = t.id ORDER BY t.id LIMIT 20 OFFSET 5000",
            "SELECT id FROM t ORDER BY id OFFSET 5000",
            "SELECT id FROM elsewhere ORDER BY id LIMIT 20 OFFSET 5000",
        ] {
            none(&RULE, sql);
        }
    }
}
