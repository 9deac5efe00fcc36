//! A value of another type than the column → the value in the column's own type.

use std::cell::Cell;

use sqlparser::ast::{BinaryOperator, DataType, Expr, Value};

use super::{Rewritten, Rule, Same, Subject, Worth, integer, literal, string, turned};
use crate::advice::scope::{Kind, Scope, kind};

pub(super) const RULE: Rule = Rule {
    id: "implicit-cast",
    persona: &["O7"],
    worth: Worth::Searchable,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let as_numbers = Cell::new(false);
    let query = subject.each_condition(|part, scope| {
        if let Some(text) = as_text(subject, part, scope) {
            as_numbers.set(true);
            return Some(text);
        }
        bare(subject, part, scope)
    })?;
    let (reason, same) = if as_numbers.get() {
        (
            "the value is a text like the column, so that its index is searched; the same where the texts are plain numbers (as numbers '05' and '5a' are 5 too)",
            Same::OfUsualValues,
        )
    } else {
        (
            "the value is of the column's own type, so that no row is converted and its index is searched",
            Same::Always,
        )
    };
    Some(Rewritten {
        query,
        reason: reason.to_owned(),
        same,
    })
}

/// A text column compared with a number, where that compares numbers.
fn as_text(subject: &Subject<'_>, part: &Expr, scope: &Scope<'_>) -> Option<String> {
    if !subject.dialect.compares_texts_as_numbers() {
        return None;
    }
    let text = |expr: &Expr| {
        let found = scope.column(expr);
        found.is_some_and(|found| kind(found.column) == Kind::Text)
    };
    match part {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => {
            let (column, value) = if text(left) {
                (left, right)
            } else {
                (right, left)
            };
            let number = integer(value).filter(|_| text(column))?;
            Some(format!("{column} = '{number}'"))
        }
        Expr::InList {
            expr,
            list,
            negated: false,
        } if text(expr) => {
            let numbers: Vec<String> = list
                .iter()
                .map(|value| integer(value).map(|number| format!("'{number}'")))
                .collect::<Option<_>>()?;
            Some(format!("{expr} IN ({})", numbers.join(", ")))
        }
        _ => None,
    }
}

/// A number that is cast to a text to be compared with one, or compared with a number of a wider type.
fn bare(subject: &Subject<'_>, part: &Expr, scope: &Scope<'_>) -> Option<String> {
    let Expr::BinaryOp { left, op, right } = part else {
        return None;
    };
    let (around, op, value) = if literal(right).is_some() || integer(right).is_some() {
        (left.as_ref(), op.clone(), right.as_ref())
    } else {
        (right.as_ref(), turned(op)?, left.as_ref())
    };
    let whole = |expr: &Expr| {
        let found = scope.column(expr);
        found.is_some_and(|found| kind(found.column) == Kind::Integer)
    };
    match around {
        Expr::Nested(inner) => bare(
            subject,
            &Expr::BinaryOp {
                left: inner.clone(),
                op,
                right: Box::new(value.clone()),
            },
            scope,
        ),
        Expr::Cast {
            expr, data_type, ..
        } if whole(expr) => {
            let number = if is_long_text(data_type) && op == BinaryOperator::Eq {
                canonical(string(value)?)?
            } else if matches!(data_type, DataType::BigInt(_) | DataType::Int8(_)) {
                integer(value)?
            } else {
                return None;
            };
            turned(&op)?;
            Some(format!("{expr} {op} {number}"))
        }
        _ if whole(around) && subject.dialect.compares_by_type() => {
            // `= 5.0`
            turned(&op)?;
            let Some(Value::Number(text, _)) = literal(value) else {
                return None;
            };
            let (number, zeros) = text.split_once('.')?;
            let number: i32 = number.parse().ok()?;
            zeros
                .chars()
                .all(|c| c == '0')
                .then(|| format!("{around} {op} {number}"))
        }
        _ => None,
    }
}

/// A text type that cuts nothing off and adds no blanks.
const fn is_long_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Text
            | DataType::Varchar(None)
            | DataType::CharacterVarying(None)
            | DataType::CharVarying(None)
    )
}

/// A number as a server writes it, within what any integer column here holds.
fn canonical(text: &str) -> Option<i64> {
    let number: i32 = text.parse().ok()?;
    (number.to_string() == text).then_some(i64::from(number))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{is_in, made_in, none_in};
    use super::*;
    use crate::statement::Dialect;

    #[test]
    fn the_value_becomes_what_the_column_is() {
        let sql = |condition: &str| format!("SELECT id FROM t WHERE {condition}");
        for (dialect, from, to) in [
            (Dialect::MySql, "name = 5", "name = '5'"),
            (
                Dialect::MySql,
                "5 = t.name AND a = 1",
                "t.name = '5' AND a = 1",
            ),
            (Dialect::MySql, "name IN (1, -2)", "name IN ('1', '-2')"),
            (Dialect::Postgres, "a::text = '5'", "a = 5"),
            (Dialect::Postgres, "'5' = CAST(t.a AS varchar)", "t.a = 5"),
            (Dialect::Sqlite, "CAST(a AS TEXT) = '-5'", "a = -5"),
            (Dialect::Postgres, "a = 5.0", "a = 5"),
            (Dialect::Postgres, "a::bigint >= 5", "a >= 5"),
        ] {
            is_in(dialect, &RULE, &sql(from), &sql(to));
        }
        let said = made_in(Dialect::MySql, &RULE, &sql("name = 5")).unwrap();
        assert!(said.reason.contains("plain numbers"));
    }

    #[test]
    fn what_would_mean_something_else_stays() {
        for (dialect, condition) in [
            (Dialect::MySql, "name > 5"),
            (Dialect::MySql, "name <> 5"),
            (Dialect::MySql, "name NOT IN (1, 2)"),
            (Dialect::MySql, "name IN (1, 'a')"),
            (Dialect::MySql, "name = 5.5"),
            (Dialect::MySql, "name = a"),
            (Dialect::MySql, "a = '5'"),
            (Dialect::Sqlite, "name = 5"),
            (Dialect::Postgres, "a::text = '05'"),
            (Dialect::Postgres, "a::text = 'x'"),
            (Dialect::Postgres, "a::text = $1"),
            (Dialect::Postgres, "a::text < '5'"),
            (Dialect::Postgres, "a::text <> '5'"),
            (Dialect::Postgres, "a::char(1) = '5'"),
            (Dialect::Postgres, "name::text = '5'"),
            (Dialect::Postgres, "a = 5.5"),
            (Dialect::Postgres, "at::text = '2025'"),
            (Dialect::Postgres, "a::smallint = 5"),
        ] {
            none_in(
                dialect,
                &RULE,
                &format!("SELECT id FROM t WHERE {condition}"),
            );
        }
    }
}
