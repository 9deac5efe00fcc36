//! Parts of statements made from text, and parameters under numbers of their own, for what rewrites a statement:
//! the whole goes through the door again before anybody sees it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, SelectItem, SetExpr, Value};

use super::{Dialect, Statement, parse_all};

/// Reads an expression.
pub fn expression(text: &str, dialect: Dialect) -> Option<Expr> {
    let query = query(&format!("SELECT {text}"), dialect)?;
    let SetExpr::Select(mut select) = *query.body else {
        return None;
    };
    match (select.projection.pop(), select.projection.is_empty()) {
        (Some(SelectItem::UnnamedExpr(expr)), true) if select.from.is_empty() => Some(expr),
        _ => None,
    }
}

/// Reads a query.
pub fn query(text: &str, dialect: Dialect) -> Option<ast::Query> {
    match parse_all(text, dialect).ok()?.pop()? {
        ast::Statement::Query(query) => Some(*query),
        _ => None,
    }
}

/// A statement whose parameters have numbers, and what each was called.
#[derive(Debug, Clone)]
pub struct Numbered {
    pub ast: ast::Statement,
    names: BTreeMap<String, String>,
    /// Whether the place of a parameter is all that tells which one it is.
    by_place: bool,
}

impl Numbered {
    /// Nothing where two parameters would get one number.
    pub fn new(statement: &Statement) -> Option<Self> {
        let mut ast = statement.ast.clone();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mark = statement.dialect.parameter_mark();
        let (mut used, mut clash, mut by_place) = (0, false, false);
        let _ = ast::visit_expressions_mut(&mut ast, |expr| {
            if let Some(name) = placeholder(expr) {
                used += 1;
                // The same count as where values are put in.
                let own = name.strip_prefix(['$', '?']);
                let number = own.and_then(|number| number.parse::<usize>().ok());
                by_place |= number.is_none();
                let tag = format!("{mark}{}", number.unwrap_or(used));
                clash |= names.get(&tag).is_some_and(|known| known != name);
                names.insert(tag.clone(), std::mem::replace(name, tag));
            }
            ControlFlow::<()>::Continue(())
        });
        (!clash).then_some(Self {
            ast,
            names,
            by_place,
        })
    }

    /// Gives the parameters of a statement that was made of this one their names back. With them comes the order
    /// in which they stand now, where that is another one and tells which is which.
    pub fn named(&self, mut ast: ast::Statement) -> (ast::Statement, Option<Vec<String>>) {
        let mut order = Vec::new();
        let _ = ast::visit_expressions_mut(&mut ast, |expr| {
            if let Some(name) = placeholder(expr)
                && let Some(own) = self.names.get(name)
            {
                order.push(name.trim_start_matches(['$', '?']).to_owned());
                own.clone_into(name);
            }
            ControlFlow::<()>::Continue(())
        });
        let before: Vec<String> = (1..=self.names.len())
            .map(|number| number.to_string())
            .collect();
        let moved = self.by_place && order != before;
        (ast, moved.then_some(order))
    }
}

fn placeholder(expr: &mut Expr) -> Option<&mut String> {
    let Expr::Value(value) = expr else {
        return None;
    };
    match &mut value.value {
        Value::Placeholder(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_get_numbers_and_their_names_back() {
        for (sql, dialect) in [
            ("SELECT a FROM t WHERE a = ? AND b = ?", Dialect::MySql),
            ("SELECT a FROM t WHERE a = :x AND b = :y", Dialect::Sqlite),
            ("SELECT a FROM t WHERE a = $2 AND b = $1", Dialect::Postgres),
        ] {
            let statement = Statement::parse(sql, dialect).unwrap();
            let numbered = Numbered::new(&statement).unwrap();
            assert!(numbered.ast.to_string().contains('2'), "{sql}");
            let (ast, moved) = numbered.named(numbered.ast.clone());
            assert_eq!((ast.to_string().as_str(), moved), (sql, None));
        }
    }

    #[test]
    fn one_that_stands_there_twice_is_told_where_only_its_place_names_it() {
        let statement = Statement::parse("SELECT a FROM t WHERE a = ?", Dialect::MySql).unwrap();
        let numbered = Numbered::new(&statement).unwrap();
        let twice = query(
            "SELECT a FROM t WHERE a >= ?1 AND a < ?1 + 1",
            Dialect::MySql,
        )
        .unwrap();
        let (_, order) = numbered.named(ast::Statement::Query(Box::new(twice)));
        assert_eq!(order, Some(vec!["1".to_owned(), "1".to_owned()]));
    }

    #[test]
    fn a_piece_is_one_expression_or_nothing() {
        assert!(expression("a >= $1 AND b", Dialect::Sqlite).is_some());
        assert!(expression("a, b", Dialect::Sqlite).is_none());
        assert!(expression("a FROM t", Dialect::Sqlite).is_none());
    }
}
