//! What a condition asks of a table, in the terms of an index.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, SelectItem, SetExpr, UnaryOperator, Value, Visit, Visitor,
};

use super::resolve::Resolver;
use super::{Condition, Key, Kind};
use crate::statement::functions::{is_aggregate, is_unsteady};

/// Arms of an OR that are looked at.
const MOST_ARMS: usize = 8;

impl Resolver<'_> {
    /// A condition that rows must fulfil.
    pub(super) fn condition(&mut self, condition: &Expr) {
        for part in conjuncts(condition) {
            self.mention(part);
            if let Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } = part
                && let (Some(left), Some(right)) = (self.place(left), self.place(right))
            {
                self.join(&left, &right);
                continue;
            }
            if let Some(columns) = row_comparison(part) {
                for column in &columns {
                    self.condition(column);
                }
                continue;
            }
            if let Expr::InSubquery {
                expr,
                subquery,
                negated: false,
            } = part
            {
                self.semi_join(expr, subquery);
            }
            if is_or(part) {
                self.either(part);
            }
            if let Some((id, condition)) = self.classified(part)
                && let Some(used) = self.uses.get_mut(id)
                && !used.conditions.contains(&condition)
            {
                used.conditions.push(condition);
            }
        }
    }

    /// `x IN (SELECT y …)`: the two are joined, in one order or the other.
    fn semi_join(&mut self, expr: &Expr, subquery: &ast::Query) {
        let outer = self.place(expr);
        let SetExpr::Select(select) = subquery.body.as_ref() else {
            return;
        };
        // Its tables were noted when the condition was mentioned: the last use that has the column is meant.
        let (
            Some(outer),
            Some(SelectItem::UnnamedExpr(inner) | SelectItem::ExprWithAlias { expr: inner, .. }),
        ) = (outer, select.projection.first())
        else {
            return;
        };
        let name = match inner {
            Expr::Identifier(name) => &name.value,
            Expr::CompoundIdentifier(parts) => match parts.last() {
                Some(name) => &name.value,
                None => return,
            },
            _ => return,
        };
        let found = self
            .uses
            .iter()
            .enumerate()
            .skip(outer.0 + 1)
            .find_map(|(id, used)| Some((id, used.table.column(name)?.name.clone())));
        if let Some(inner) = found {
            self.join(&outer, &inner);
        }
    }

    /// `a OR b`: what all arms say holds anyway; of each table that every arm speaks of, one of them has to hold.
    fn either(&mut self, whole: &Expr) {
        let arms: Vec<Vec<&Expr>> = disjuncts(whole).into_iter().map(conjuncts).collect();
        let Some((first, rest)) = arms.split_first() else {
            return;
        };
        let common: Vec<Expr> = first
            .iter()
            .filter(|part| rest.iter().all(|arm| arm.contains(part)))
            .map(|part| (*part).clone())
            .collect();
        for part in &common {
            self.condition(part);
        }
        if arms.len() > MOST_ARMS {
            return;
        }
        let classified: Vec<Vec<(usize, Condition)>> = arms
            .iter()
            .map(|arm| {
                let parts = arm.iter().filter(|part| !common.contains(part));
                parts.filter_map(|part| self.classified(part)).collect()
            })
            .collect();
        for (id, used) in self.uses.iter_mut().enumerate() {
            let own: Vec<Vec<Condition>> = classified
                .iter()
                .map(|arm| {
                    let own = arm.iter().filter(|(of, _)| *of == id);
                    own.map(|(_, condition)| condition.clone()).collect()
                })
                .collect();
            if own.iter().any(Vec::is_empty) {
                continue;
            }
            // One key that every arm holds to a value is held to one of several.
            for condition in own.first().into_iter().flatten() {
                let key = &condition.key;
                let holds = |arm: &Vec<Condition>| {
                    arm.iter().any(|own| own.key == *key && own.kind.is_point())
                };
                if own.iter().all(holds) && !used.conditions.iter().any(|own| own.key == *key) {
                    used.conditions.push(Condition {
                        key: key.clone(),
                        kind: Kind::AnyOf,
                        text: String::new(),
                        constant: false,
                    });
                }
            }
            used.alternatives.push(own);
        }
    }

    /// What an expression is as a key of an index, and of which table.
    pub(super) fn key(&self, expr: &Expr) -> Option<(usize, Key)> {
        if let Some((id, column)) = self.place(expr) {
            return Some((id, Key::Column(column)));
        }
        if matches!(expr, Expr::Value(_)) || varies(expr) {
            return None;
        }
        let id = self.only_table(expr)?;
        Some((id, Key::Expression(self.alone(expr))))
    }

    /// An expression with the names that the columns have in their own table.
    fn alone(&self, expr: &Expr) -> String {
        let mut expr = expr.clone();
        let _ = ast::visit_expressions_mut(&mut expr, |inner| {
            if let Some((_, column)) = self.place(inner) {
                let written = self.dialect.identifier(&column);
                let quote = written.chars().next().filter(|first| !is_of_name(*first));
                *inner = Expr::Identifier(ast::Ident {
                    value: column,
                    quote_style: quote,
                    span: sqlparser::tokenizer::Span::empty(),
                });
            }
            ControlFlow::<()>::Continue(())
        });
        expr.to_string()
    }

    /// A condition on one table's key.
    fn classified(&self, whole: &Expr) -> Option<(usize, Condition)> {
        let (expr, kind) = shape(whole)?;
        let (expr, kind) = match (expr, kind) {
            (Sides::One(expr), kind) => (expr, kind),
            // The side that is this table's; the other must not be.
            (Sides::Two(left, right), kind) => match (self.key(left), self.key(right)) {
                (Some((id, _)), None) if !self.names(right, id) => (left, kind),
                (None, Some((id, _))) if !self.names(left, id) => (right, kind),
                _ => return None,
            },
        };
        let (id, key) = self.key(expr)?;
        let constant = self.only_table(whole) == Some(id) && !has_placeholder(whole);
        let own = self.only_table(whole).is_some();
        Some((
            id,
            Condition {
                key,
                kind,
                text: if own {
                    self.alone(whole)
                } else {
                    String::new()
                },
                constant,
            },
        ))
    }

    /// Whether an expression names a column of this table.
    fn names(&self, expr: &Expr, id: usize) -> bool {
        struct Any<'r, 'a>(&'r Resolver<'a>, usize, bool);
        impl Visitor for Any<'_, '_> {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                self.2 |= self.0.place(expr).is_some_and(|(id, _)| id == self.1);
                ControlFlow::Continue(())
            }
        }
        let mut any = Any(self, id, false);
        let _ = expr.visit(&mut any);
        any.2
    }
}

/// `(a, b) = (1, 2)` column by column; of `(a, b) > (1, 2)` what holds of the first.
fn row_comparison(whole: &Expr) -> Option<Vec<Expr>> {
    let Expr::BinaryOp { left, op, right } = whole else {
        return None;
    };
    let (Expr::Tuple(left), Expr::Tuple(right)) = (left.as_ref(), right.as_ref()) else {
        return None;
    };
    let op = match op {
        BinaryOperator::Gt => &BinaryOperator::GtEq,
        BinaryOperator::Lt => &BinaryOperator::LtEq,
        other => other,
    };
    let pairs = left.iter().zip(right).map(|(left, right)| Expr::BinaryOp {
        left: Box::new(left.clone()),
        op: op.clone(),
        right: Box::new(right.clone()),
    });
    Some(match op {
        BinaryOperator::Eq => pairs.collect(),
        BinaryOperator::GtEq | BinaryOperator::LtEq => pairs.take(1).collect(),
        _ => Vec::new(),
    })
}

enum Sides<'e> {
    One(&'e Expr),
    Two(&'e Expr, &'e Expr),
}

/// What is compared, and how.
fn shape(whole: &Expr) -> Option<(Sides<'_>, Kind)> {
    Some(match whole {
        Expr::Nested(inner) => return shape(inner),
        Expr::BinaryOp { left, op, right } => {
            let kind = match op {
                BinaryOperator::Eq | BinaryOperator::Spaceship => Kind::Equal,
                BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq => Kind::Range,
                BinaryOperator::NotEq => Kind::Negative,
                BinaryOperator::AtArrow
                | BinaryOperator::Question
                | BinaryOperator::QuestionAnd
                | BinaryOperator::QuestionPipe
                | BinaryOperator::PGOverlap => Kind::Contains,
                BinaryOperator::AtAt => Kind::Search,
                BinaryOperator::PGRegexMatch | BinaryOperator::PGRegexIMatch => Kind::Pattern,
                BinaryOperator::Custom(sign) if sign == "@>" || sign == "&&" => Kind::Contains,
                BinaryOperator::Custom(sign) if sign == "@@" => Kind::Search,
                _ => return None,
            };
            (Sides::Two(left, right), kind)
        }
        Expr::InList {
            expr,
            negated,
            list,
        } => (
            Sides::One(expr),
            match (negated, list.len()) {
                (true, _) => Kind::Negative,
                (false, 1) => Kind::Equal,
                (false, _) => Kind::AnyOf,
            },
        ),
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            ..
        } => (Sides::One(left), Kind::AnyOf),
        Expr::Between { expr, negated, .. } => (
            Sides::One(expr),
            if *negated {
                Kind::Negative
            } else {
                Kind::Range
            },
        ),
        Expr::IsNull(inner) => (Sides::One(inner), Kind::IsNull),
        Expr::IsNotNull(inner) => (Sides::One(inner), Kind::IsNotNull),
        Expr::IsTrue(inner) | Expr::IsFalse(inner) => (Sides::One(inner), Kind::Equal),
        Expr::Like {
            negated,
            expr,
            pattern,
            ..
        } => (
            Sides::One(expr),
            if *negated {
                Kind::Negative
            } else if begins_open(pattern) {
                Kind::Pattern
            } else {
                Kind::Prefix
            },
        ),
        Expr::ILike { negated, expr, .. } => (
            Sides::One(expr),
            if *negated {
                Kind::Negative
            } else {
                Kind::Pattern
            },
        ),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } if matches!(
            expr.as_ref(),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_)
        ) =>
        {
            (Sides::One(expr), Kind::Equal)
        }
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => (Sides::One(whole), Kind::Equal),
        _ => return None,
    })
}

fn begins_open(pattern: &Expr) -> bool {
    match pattern {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
                text.starts_with(['%', '_'])
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether two rows with the same columns can have different values of it, as of an aggregate: no index holds it.
fn varies(expr: &Expr) -> bool {
    struct Any(bool);
    impl Visitor for Any {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.0 |= match expr {
                Expr::Function(function) => {
                    let name = function.name.to_string().to_lowercase();
                    function.over.is_some()
                        || is_aggregate(&name)
                        || is_unsteady(&name)
                        || name == "now"
                }
                Expr::Case { .. } | Expr::Exists { .. } | Expr::Subquery(_) | Expr::Tuple(_) => {
                    true
                }
                _ => false,
            };
            ControlFlow::Continue(())
        }
    }
    let mut any = Any(false);
    let _ = expr.visit(&mut any);
    any.0
}

fn has_placeholder(expr: &Expr) -> bool {
    struct Any(bool);
    impl Visitor for Any {
        type Break = ();
        fn pre_visit_value(&mut self, value: &ast::ValueWithSpan) -> ControlFlow<()> {
            self.0 |= matches!(value.value, Value::Placeholder(_));
            ControlFlow::Continue(())
        }
    }
    let mut any = Any(false);
    let _ = expr.visit(&mut any);
    any.0
}

fn is_or(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_or(inner),
        Expr::BinaryOp {
            op: BinaryOperator::Or,
            ..
        } => true,
        _ => false,
    }
}

/// The parts of a condition that must all hold.
pub(super) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    parts(expr, &BinaryOperator::And)
}

fn disjuncts(expr: &Expr) -> Vec<&Expr> {
    parts(expr, &BinaryOperator::Or)
}

fn parts<'e>(expr: &'e Expr, by: &BinaryOperator) -> Vec<&'e Expr> {
    match expr {
        Expr::BinaryOp { left, op, right } if op == by => {
            let mut all = parts(left, by);
            all.extend(parts(right, by));
            all
        }
        Expr::Nested(inner) => parts(inner, by),
        other => vec![other],
    }
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
