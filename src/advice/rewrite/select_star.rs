//! `SELECT *` → the columns by name.

use sqlparser::ast::{
    JoinConstraint, JoinOperator, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    WildcardAdditionalOptions,
};

use super::{Rewritten, Rule, Same, Subject, Worth, is_usual};

pub(super) const RULE: Rule = Rule {
    id: "select-star",
    persona: &["N5"],
    worth: Worth::Always,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let mut query = subject.query.clone();
    named(&mut query.body, subject)?;
    Some(Rewritten {
        query,
        reason: "the columns by name: strike out those that the caller does not use, and a new or wide one costs nothing".to_owned(),
        same: Same::Always,
    })
}

/// Only the outermost columns travel; those of a query inside are the business of the one around it.
fn named(body: &mut SetExpr, subject: &Subject<'_>) -> Option<()> {
    match body {
        SetExpr::Select(select) => in_select(select, subject),
        SetExpr::SetOperation { left, right, .. } => {
            named(left, subject)?;
            named(right, subject)
        }
        _ => None,
    }
}

fn in_select(select: &mut Select, subject: &Subject<'_>) -> Option<()> {
    let star = |item: &SelectItem| {
        matches!(
            item,
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
        )
    };
    if !select.projection.iter().any(star) {
        return Some(());
    }
    if !is_usual(select) || merges_columns(select) {
        return None;
    }
    let scope = subject.scope(select);
    let one = scope.sources.len() == 1;
    let mut projection = Vec::new();
    for item in &select.projection {
        let of = match item {
            SelectItem::Wildcard(options) if *options == WildcardAdditionalOptions::default() => {
                None
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) if *options == WildcardAdditionalOptions::default() => {
                Some(name.0.last()?.as_ident()?)
            }
            other if star(other) => return None,
            other => {
                projection.push(other.clone());
                continue;
            }
        };
        let meant = scope
            .sources
            .iter()
            .filter(|source| of.is_none_or(|of| of.value.eq_ignore_ascii_case(&source.name.value)));
        for source in meant {
            for column in &source.table?.columns {
                // One that `*` does not show.
                if column.extra.to_uppercase().contains("INVISIBLE") {
                    continue;
                }
                let name = subject.dialect.identifier(&column.name);
                let name = if one {
                    name
                } else {
                    format!("{}.{name}", source.name)
                };
                projection.push(SelectItem::UnnamedExpr(subject.expression(&name)?));
            }
        }
    }
    select.projection = projection;
    Some(())
}

/// Whether a join makes one column of two.
fn merges_columns(select: &Select) -> bool {
    let constraint = |operator: &JoinOperator| match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::CrossJoin(constraint) => {
            matches!(
                constraint,
                JoinConstraint::Using(_) | JoinConstraint::Natural
            )
        }
        _ => true,
    };
    let mut joins = select.from.iter().flat_map(|from| &from.joins);
    joins.any(|join| constraint(&join.join_operator))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is, none};
    use super::*;

    #[test]
    fn every_column_is_named_in_its_order() {
        is(
            &RULE,
            "SELECT * FROM t WHERE a = 1",
            "SELECT id, a, b, name, \"at\" FROM t WHERE a = 1",
        );
        is(
            &RULE,
            "SELECT u.*, t.a FROM t JOIN u ON u.t_id = t.id",
            "SELECT u.id, u.t_id, u.x, u.name, t.a FROM t JOIN u ON u.t_id = t.id",
        );
        is(
            &RULE,
            "SELECT * FROM u UNION ALL SELECT * FROM u AS v",
            "SELECT id, t_id, x, name FROM u UNION ALL SELECT id, t_id, x, name FROM u AS v",
        );
    }

    #[test]
    fn what_is_not_known_or_does_not_travel_stays() {
        for sql in [
            "SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.t_id = t.id)",
            "SELECT count(*) FROM t",
            "SELECT * FROM (SELECT a FROM t) AS x",
            "SELECT * FROM elsewhere",
            "WITH t AS (SELECT 1 AS one) SELECT * FROM t",
            "SELECT * FROM t JOIN u USING (id)",
            "SELECT * FROM t NATURAL JOIN u",
            "SELECT * FROM t AS x (c, d, e, f, g)",
            "SELECT a FROM t",
        ] {
            none(&RULE, sql);
        }
    }
}
