//! A function or arithmetic around a column → a condition on the column itself, which an index can find.

use std::cell::Cell;

use sqlparser::ast::{BinaryOperator, DataType, DateTimeField, Expr};

use super::{
    Rewritten, Rule, Same, Subject, Worth, call, integer, literal, parameter, string, turned,
};
use crate::advice::days::{Day, Unit};
use crate::advice::scope::{Kind, Scope, kind};
use crate::statement::Dialect;

pub(super) const RULE: Rule = Rule {
    id: "range-of-function",
    persona: &["O7"],
    worth: Worth::Searchable,
    rewrite,
};

fn rewrite(subject: &Subject<'_>) -> Option<Rewritten> {
    let (texts, days) = (Cell::new(false), Cell::new(false));
    let query = subject.each_condition(|part, scope| {
        let made = Condition {
            dialect: subject.dialect,
            scope,
        }
        .other(part)?;
        texts.set(texts.get() || made.as_text);
        days.set(days.get() || made.must_be_day);
        Some(made.text)
    })?;
    let mut reason = "the column stands alone, so that an index on it can be searched".to_owned();
    let mut same = Same::Always;
    if texts.get() {
        reason.push_str("; times are texts here: the same where all are written as YYYY-MM-DD and a time without a zone");
        same = Same::OfUsualValues;
    }
    if days.get() {
        reason.push_str("; the parameter must be a day without a time");
        same = Same::OfUsualValues;
    }
    Some(Rewritten {
        query,
        reason,
        same,
    })
}

/// What stands in the place of a condition.
#[derive(Debug)]
struct Other {
    text: String,
    /// It rests on how times are written.
    as_text: bool,
    /// A parameter of it must be a day.
    must_be_day: bool,
}

impl Other {
    const fn new(text: String) -> Self {
        Self {
            text,
            as_text: false,
            must_be_day: false,
        }
    }
}

struct Condition<'s, 'a> {
    dialect: Dialect,
    scope: &'s Scope<'a>,
}

/// A point of the calendar to compare with, and the first one behind its unit.
struct Bounds {
    from: String,
    until: String,
    is_parameter: bool,
}

impl Condition<'_, '_> {
    fn other(&self, part: &Expr) -> Option<Other> {
        if let Expr::Between {
            expr,
            negated: false,
            low,
            high,
        } = part
        {
            let unit = self.unit_of(expr)?;
            let (low, high) = (self.bounds(low, unit)?, self.bounds(high, unit)?);
            let name = column_text(expr, self.scope)?;
            let text = format!("{name} >= {} AND {name} < {}", low.from, high.until);
            return Some(self.times(text, low.is_parameter || high.is_parameter));
        }
        let Expr::BinaryOp { left, op, right } = part else {
            return None;
        };
        let given = |expr: &Expr| {
            self.scope
                .columns(expr)
                .is_some_and(|found| found.is_empty())
        };
        let (around, op, value) = if given(right) {
            (left.as_ref(), op.clone(), right.as_ref())
        } else if given(left) {
            (right.as_ref(), turned(op)?, left.as_ref())
        } else {
            return None;
        };
        self.calendar(around, &op, value)
            .or_else(|| self.beginning(around, &op, value))
            .or_else(|| self.arithmetic(around, &op, value))
            .or_else(|| self.coalesce(around, &op, value))
    }

    const fn times(&self, text: String, a_parameter: bool) -> Other {
        Other {
            text,
            as_text: self.dialect.keeps_times_as_texts(),
            must_be_day: a_parameter,
        }
    }

    /// `date(x) = '2025-01-01'`, `EXTRACT(YEAR FROM x) = 2025` and their like.
    fn calendar(&self, around: &Expr, op: &BinaryOperator, value: &Expr) -> Option<Other> {
        use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq};
        let bounds = match self.year_of(around) {
            Some(as_number) => {
                let year = if as_number {
                    integer(value)?
                } else {
                    string(value).filter(|text| text.len() == 4)?.parse().ok()?
                };
                let day = Day::year(u32::try_from(year).ok()?)?;
                fixed(day, Unit::Year)
            }
            None => self.bounds(value, self.unit_of(around)?)?,
        };
        let name = column_text(around, self.scope)?;
        let Bounds {
            from,
            until,
            is_parameter,
        } = bounds;
        let text = match op {
            Eq => format!("{name} >= {from} AND {name} < {until}"),
            GtEq => format!("{name} >= {from}"),
            Lt => format!("{name} < {from}"),
            Gt => format!("{name} >= {until}"),
            LtEq => format!("{name} < {until}"),
            _ => return None,
        };
        Some(self.times(text, is_parameter))
    }

    fn is_time(&self, expr: &Expr) -> bool {
        let kind = self.scope.column(expr).map(|found| kind(found.column));
        match kind {
            Some(Kind::Time | Kind::Date) => true,
            Some(Kind::Text) => self.dialect.keeps_times_as_texts(),
            _ => false,
        }
    }

    /// Whether an expression gives the year of a column, and whether as a number.
    fn year_of(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Nested(inner) => self.year_of(inner),
            Expr::Extract {
                field: DateTimeField::Year,
                expr,
                ..
            } => self.is_time(expr).then_some(true),
            Expr::Cast {
                expr, data_type, ..
            } if is_integer(data_type) => self.year_of(expr).map(|_| true),
            _ => {
                if let Some(arguments) = call(expr, &["year"]) {
                    let [inner] = arguments.as_slice() else {
                        return None;
                    };
                    return self.is_time(inner).then_some(true);
                }
                let arguments = call(expr, &["date_part", "strftime"])?;
                let [what, inner] = arguments.as_slice() else {
                    return None;
                };
                match string(what)? {
                    "%Y" => self.is_time(inner).then_some(false),
                    "year" => self.is_time(inner).then_some(true),
                    _ => None,
                }
            }
        }
    }

    /// Whether an expression gives the day of a column, or the beginning of a longer unit.
    fn unit_of(&self, expr: &Expr) -> Option<Unit> {
        match expr {
            Expr::Nested(inner) => self.unit_of(inner),
            Expr::Cast {
                expr,
                data_type: DataType::Date,
                ..
                // Elsewhere a cast to a date takes the number that a text begins with.
            } if !self.dialect.keeps_times_as_texts() => self.is_time(expr).then_some(Unit::Day),
            _ => {
                if let Some(arguments) = call(expr, &["date"]) {
                    let [inner] = arguments.as_slice() else {
                        return None;
                    };
                    return self.is_time(inner).then_some(Unit::Day);
                }
                let arguments = call(expr, &["date_trunc", "strftime"])?;
                let [what, inner] = arguments.as_slice() else {
                    return None;
                };
                let unit = match string(what)? {
                    "day" | "%Y-%m-%d" => Unit::Day,
                    "month" => Unit::Month,
                    "year" => Unit::Year,
                    _ => return None,
                };
                self.is_time(inner).then_some(unit)
            }
        }
    }

    fn bounds(&self, value: &Expr, unit: Unit) -> Option<Bounds> {
        match value {
            Expr::Nested(inner) => self.bounds(inner, unit),
            Expr::TypedString(typed) => match &typed.value.value {
                sqlparser::ast::Value::SingleQuotedString(text) => whole(text, unit),
                _ => None,
            },
            Expr::Cast {
                expr,
                data_type: DataType::Date,
                ..
            } if literal(expr).is_some() => self.bounds(expr, unit),
            Expr::Function(function) if unit == Unit::Day => {
                let name = function.name.to_string().to_lowercase();
                let today = matches!(name.as_str(), "current_date" | "curdate");
                today.then(|| Bounds {
                    from: value.to_string(),
                    until: self.dialect.day_after(&value.to_string()),
                    is_parameter: false,
                })
            }
            _ => match (string(value), parameter(value)) {
                (Some(text), _) => whole(text, unit),
                (None, Some(name)) if unit == Unit::Day => {
                    let day = self.dialect.day(name);
                    Some(Bounds {
                        until: self.dialect.day_after(&day),
                        from: day,
                        is_parameter: true,
                    })
                }
                _ => None,
            },
        }
    }

    /// `LEFT(x, 3) = 'abc'`.
    fn beginning(&self, around: &Expr, op: &BinaryOperator, value: &Expr) -> Option<Other> {
        let text = string(value)?;
        let (inner, length) = match around {
            Expr::Nested(inner) => return self.beginning(inner, op, value),
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for: Some(length),
                ..
            } if integer(from) == Some(1) => (expr.as_ref(), integer(length)?),
            _ => {
                let arguments = call(around, &["left", "substr", "substring"])?;
                match arguments.as_slice() {
                    [inner, length] if call(around, &["left"]).is_some() => {
                        (*inner, integer(length)?)
                    }
                    [inner, from, length] if integer(from) == Some(1) => (*inner, integer(length)?),
                    _ => return None,
                }
            }
        };
        let column = self.scope.column(inner)?;
        let padded = matches!(
            column.column.data_type.to_lowercase().split('(').next(),
            Some("char" | "character" | "nchar")
        );
        let fits = usize::try_from(length).is_ok_and(|length| length == text.chars().count());
        // Blanks at the end are compared in many ways.
        if *op != BinaryOperator::Eq
            || kind(column.column) != Kind::Text
            || padded
            || !fits
            || text.ends_with(' ')
        {
            return None;
        }
        Some(Other::new(
            self.dialect.begins_with(&inner.to_string(), text)?,
        ))
    }

    /// `x + 1 = 5`.
    fn arithmetic(&self, around: &Expr, op: &BinaryOperator, value: &Expr) -> Option<Other> {
        if let Expr::Nested(inner) = around {
            return self.arithmetic(inner, op, value);
        }
        let Expr::BinaryOp {
            left,
            op: BinaryOperator::Plus | BinaryOperator::Minus,
            right,
        } = around
        else {
            return None;
        };
        turned(op)?;
        let minus = matches!(
            around,
            Expr::BinaryOp {
                op: BinaryOperator::Minus,
                ..
            }
        );
        let (inner, step) = match (self.scope.column(left), self.scope.column(right)) {
            (Some(_), None) => (left, integer(right)?),
            (None, Some(_)) if !minus => (right, integer(left)?),
            _ => return None,
        };
        let column = self.scope.column(inner)?;
        let unsigned = column.column.data_type.to_lowercase().contains("unsigned");
        if kind(column.column) != Kind::Integer || unsigned {
            return None;
        }
        let step = if minus { step.checked_neg()? } else { step };
        let sign = op.to_string();
        if let Some(number) = integer(value) {
            let number = number.checked_sub(step)?;
            return Some(Other::new(format!("{inner} {sign} {number}")));
        }
        let name = parameter(value)?;
        let (way, step) = if step < 0 {
            ('+', step.checked_neg()?)
        } else {
            ('-', step)
        };
        Some(Other::new(format!("{inner} {sign} {name} {way} {step}")))
    }

    /// `COALESCE(x, 1) = 2`.
    fn coalesce(&self, around: &Expr, op: &BinaryOperator, value: &Expr) -> Option<Other> {
        let arguments = call(around, &["coalesce", "ifnull"])?;
        let [inner, instead] = arguments.as_slice() else {
            return None;
        };
        let column = self.scope.column(inner)?;
        if *op != BinaryOperator::Eq {
            return None;
        }
        if !column.nullable {
            return Some(Other::new(format!("{inner} = {value}")));
        }
        let same = integer(instead).is_some() && integer(instead) == integer(value)
            || string(instead).is_some() && string(instead) == string(value);
        if same {
            return Some(Other::new(format!(
                "({inner} = {value} OR {inner} IS NULL)"
            )));
        }
        super::surely_differ(instead, value).then(|| Other::new(format!("{inner} = {value}")))
    }
}

fn whole(text: &str, unit: Unit) -> Option<Bounds> {
    let day = Day::parse(text)?;
    day.begins(unit).then(|| fixed(day, unit))
}

fn fixed(day: Day, unit: Unit) -> Bounds {
    Bounds {
        from: format!("'{day}'"),
        until: format!("'{}'", day.next(unit)),
        is_parameter: false,
    }
}

const fn is_integer(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int(_)
            | DataType::Integer(_)
            | DataType::BigInt(_)
            | DataType::Signed
            | DataType::Unsigned
    )
}

/// The one column inside an expression, as written.
fn column_text(around: &Expr, scope: &Scope<'_>) -> Option<String> {
    let mut found = None;
    let _ = sqlparser::ast::visit_expressions(around, |expr| {
        let named = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        if named && scope.column(expr).is_some() {
            found = Some(expr.to_string());
            return std::ops::ControlFlow::Break(());
        }
        std::ops::ControlFlow::Continue(())
    });
    found
}

#[cfg(test)]
mod tests;
