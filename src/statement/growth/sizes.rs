//! What functions are asked for: how large a value can become, or how long one takes.

use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value};

use super::{Growth, bare};
use crate::statement::Dialect;

/// Functions whose result is as large, or takes as long, as a number says, and which argument that is.
const SIZED: &str = include_str!("../functions/sized.txt");

impl Growth {
    /// By how much a function can lengthen what it is given.
    pub(super) fn factor_of(&mut self, name: &str, arguments: &[FunctionArg]) -> u64 {
        let factor = match name {
            // There it takes a number of decimals.
            "format" if self.dialect == Dialect::MySql => Some(1),
            "crypt" => arguments.get(1).map_or(Some(1), |salt| self.rounds(salt)),
            "replace" | "regexp_replace" => Some(replaced(arguments)),
            // The separator stands between all.
            "concat_ws" => Some(arguments.len() as u64),
            "array_to_string" => arguments
                .first()
                .and_then(argument)
                .map(|array| self.part(array).bytes),
            _ => self.sized(name, arguments),
        };
        factor.unwrap_or_else(|| {
            self.refuse(name);
            1
        })
    }

    fn sized(&mut self, name: &str, arguments: &[FunctionArg]) -> Option<u64> {
        let mut product = 1_u64;
        for (_, positions) in SIZED
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(sized, _)| *sized == name)
        {
            for position in positions.split_whitespace() {
                let size = match (position, position.parse::<usize>()) {
                    (_, Ok(position)) => match arguments.get(position.saturating_sub(1)) {
                        Some(given) => self.number(argument(given)?)?,
                        None => 1,
                    },
                    ("doubles", _) => 2,
                    _ => match arguments.first() {
                        Some(given) => widest(given)?,
                        None => 1,
                    },
                };
                product = product.saturating_mul(size.max(1));
            }
        }
        Some(product)
    }

    /// A number that a statement says, or the largest that it can be; nothing when it is not known.
    fn number(&mut self, expr: &Expr) -> Option<u64> {
        match expr {
            Expr::Value(value) => match &value.value {
                Value::Number(text, _) => text.parse::<f64>().ok().map(|number| number as u64),
                // A parameter has its value by the time this is sent.
                Value::Placeholder(_) | Value::Null => Some(1),
                _ => None,
            },
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.number(inner),
            Expr::UnaryOp {
                op: ast::UnaryOperator::Minus,
                expr: inner,
            } => self.number(inner).map(|_| 0),
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                match op {
                    ast::BinaryOperator::Plus => Some(left.saturating_add(right)),
                    ast::BinaryOperator::Minus => Some(left.max(right)),
                    ast::BinaryOperator::Multiply => Some(left.saturating_mul(right)),
                    _ => None,
                }
            }
            Expr::Array(array) => array
                .elem
                .iter()
                .map(|elem| self.number(elem))
                .try_fold(1_u64, |product, each| {
                    Some(product.saturating_mul(each?.max(1)))
                }),
            Expr::Function(function) => {
                let FunctionArguments::List(list) = &function.args else {
                    return None;
                };
                let given = list.args.iter().map(argument);
                match bare(&function.name).as_str() {
                    "greatest" | "least" | "coalesce" | "max" | "abs" => given
                        .map(|expr| self.number(expr?))
                        .try_fold(0, |most, each| Some(each?.max(most))),
                    "length" | "char_length" | "character_length" | "octet_length" => given
                        .map(|expr| Some(self.part(expr?).bytes))
                        .try_fold(0, |most, each| Some(each?.max(most))),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What the salt of a password hash asks for: each round doubles the time.
    fn rounds(&mut self, salt: &FunctionArg) -> Option<u64> {
        const MOST: u32 = 12;
        let few = |rounds: u32| (rounds <= MOST).then_some(1);
        match argument(salt)? {
            Expr::Value(value) => {
                let text = value.value.to_string();
                let cost = text.trim_matches('\'').split('$').nth(2);
                match cost.map(|cost| cost.trim_start_matches("rounds=").parse()) {
                    Some(Ok(rounds)) => few(rounds),
                    _ => Some(1),
                }
            }
            Expr::Function(function) if bare(&function.name) == "gen_salt" => {
                let FunctionArguments::List(list) = &function.args else {
                    return None;
                };
                match list.args.get(1) {
                    Some(given) => few(u32::try_from(self.number(argument(given)?)?).ok()?),
                    None => Some(1),
                }
            }
            Expr::Identifier(name) => self.name(std::slice::from_ref(name)).plain.then_some(1),
            Expr::CompoundIdentifier(parts) => self.name(parts).plain.then_some(1),
            _ => None,
        }
    }
}

fn argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
        | FunctionArg::Named {
            arg: FunctionArgExpr::Expr(expr),
            ..
        }
        | FunctionArg::ExprNamed {
            arg: FunctionArgExpr::Expr(expr),
            ..
        } => Some(expr),
        _ => None,
    }
}

/// By how much replacing can lengthen a text.
fn replaced(arguments: &[FunctionArg]) -> u64 {
    let length = |at: usize| match arguments.get(at).and_then(argument) {
        Some(Expr::Value(value)) => value.value.clone().into_string().map(|text| text.len()),
        _ => None,
    };
    match (length(1), length(2)) {
        (Some(old), Some(new)) => (new / old.max(1)).max(1) as u64,
        (_, None) if arguments.len() > 2 => 100,
        _ => 1,
    }
}

/// The largest width that a format asks for; nothing when that stands elsewhere.
fn widest(given: &FunctionArg) -> Option<u64> {
    let Expr::Value(value) = argument(given)? else {
        return None;
    };
    let text = match &value.value {
        Value::SingleQuotedString(text)
        | Value::DoubleQuotedString(text)
        | Value::EscapedStringLiteral(text) => text,
        Value::Placeholder(_) | Value::Null => return Some(1),
        _ => return None,
    };
    if text.contains('*') {
        return None;
    }
    let mut widest = 1_u64;
    for run in text.split(|c: char| !c.is_ascii_digit()) {
        if !run.is_empty() {
            widest = widest.max(run.parse().unwrap_or(u64::MAX));
        }
    }
    Some(widest)
}
