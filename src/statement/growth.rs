//! How large a statement can become while it is planned. Planners put a subquery's expressions in the place of
//! their names, and compute what is constant: a short text can ask for all the memory there is.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Select, SetExpr,
    TableFactor, TableWithJoins, Value, Visit, Visitor,
};

use super::Dialect;
use crate::error::{Error, Result};

/// So many names may stand in one expression after every subquery was put in its place.
const MOST_NAMES: u64 = 200_000;

/// The product of all sizes that functions are asked for, in a whole statement.
const MOST_SIZE: u64 = 1_000_000;

/// Functions whose result is as large, or takes as long, as a number says, and which argument that is.
const SIZED: &str = include_str!("functions/sized.txt");

pub(super) fn check(statement: &ast::Statement, dialect: Dialect) -> Result<()> {
    sizes(statement, dialect)?;
    let mut growth = Growth::default();
    growth.part(statement, 1);
    if growth.most <= MOST_NAMES {
        return Ok(());
    }
    Err(Error::Refused {
        reason: "its subqueries repeat each other's columns so often that planning it would take all memory".to_owned(),
        instead: "Give an inner part alone.".to_owned(),
    })
}

/// How many names the parts of a statement stand for, once each subquery stands in the place of its name.
#[derive(Default)]
struct Growth {
    /// What a column of a named subquery stands for; the innermost of a name counts.
    known: BTreeMap<String, Vec<u64>>,
    /// The largest sum that was met.
    most: u64,
}

impl Growth {
    /// Counts a part whose names each stand for `below`; what a query inside it yields is added.
    fn part(&mut self, part: &impl Visit, below: u64) -> u64 {
        let mut names = Names {
            growth: self,
            depth: 0,
            own: 0,
            inner: 0,
        };
        let _ = part.visit(&mut names);
        let sum = names.own.saturating_mul(below).saturating_add(names.inner);
        self.most = self.most.max(sum);
        sum
    }

    /// What one output column of the query stands for, at most.
    fn query(&mut self, query: &Query) -> u64 {
        let mut named = Vec::new();
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = table.alias.name.value.to_lowercase();
            let grown = self.query(&table.query);
            self.known.entry(name.clone()).or_default().push(grown);
            named.push(name);
        }
        let grown = self.body(&query.body);
        for name in named {
            if let Some(stack) = self.known.get_mut(&name) {
                stack.pop();
            }
        }
        grown
    }

    fn body(&mut self, body: &SetExpr) -> u64 {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left).saturating_add(self.body(right))
            }
            SetExpr::Values(values) => self.part(values, 1).max(1),
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.part(statement, 1).max(1),
            SetExpr::Table(_) => 1,
        }
    }

    fn select(&mut self, select: &Select) -> u64 {
        let mut below = 1;
        for table in &select.from {
            below = below.max(self.joined(table));
        }
        let mut column = below;
        for item in &select.projection {
            column = column.max(self.part(item, below));
        }
        for part in [&select.selection, &select.having] {
            self.part(part, below);
        }
        self.part(&select.group_by, below);
        column
    }

    fn joined(&mut self, table: &TableWithJoins) -> u64 {
        let mut below = 1;
        for factor in
            std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
        {
            below = below.max(match factor {
                TableFactor::Derived { subquery, .. } => self.query(subquery),
                TableFactor::Table { name, .. } => self
                    .known
                    .get(&name.to_string().to_lowercase())
                    .and_then(|stack| stack.last().copied())
                    .unwrap_or(1),
                TableFactor::NestedJoin {
                    table_with_joins, ..
                } => self.joined(table_with_joins),
                _ => 1,
            });
        }
        for join in &table.joins {
            self.part(&join.join_operator, below);
        }
        below
    }
}

/// Counts the names in a part; a query inside it is counted by what it yields.
struct Names<'a> {
    growth: &'a mut Growth,
    depth: usize,
    own: u64,
    inner: u64,
}

impl Visitor for Names<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.depth == 0 {
            self.inner = self.inner.saturating_add(self.growth.query(query));
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth == 0 && matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            self.own = self.own.saturating_add(1);
        }
        ControlFlow::Continue(())
    }
}

/// Refuses functions that are asked for more than a plan could depend on.
fn sizes(statement: &ast::Statement, dialect: Dialect) -> Result<()> {
    let mut sizes = Sizes {
        product: 1,
        dialect,
    };
    match statement.visit(&mut sizes) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => Err(Error::Refused {
            reason: format!("{name} could be asked here for a value of any size"),
            instead: "Give its result as a literal; the size must be a number, and small."
                .to_owned(),
        }),
    }
}

struct Sizes {
    product: u64,
    dialect: Dialect,
}

impl Sizes {
    fn look(&mut self, name: &str, arguments: &[FunctionArg]) -> ControlFlow<String> {
        match name {
            // There it takes a number of decimals.
            "format" if self.dialect == Dialect::MySql => return ControlFlow::Continue(()),
            "crypt" => return self.times(name, arguments.get(1).map_or(Some(1), rounds)),
            "replace" => return self.times(name, Some(replaced(arguments))),
            _ => {}
        }
        for (_, positions) in SIZED
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(sized, _)| *sized == name)
        {
            for position in positions.split_whitespace() {
                let size = match position.parse::<usize>() {
                    Ok(position) => arguments
                        .get(position.saturating_sub(1))
                        .map_or(Some(1), number),
                    Err(_) => arguments.first().map_or(Some(1), widest),
                };
                self.times(name, size)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// One more factor; nothing is a size that is not known.
    fn times(&mut self, name: &str, size: Option<u64>) -> ControlFlow<String> {
        self.product = self.product.saturating_mul(size.unwrap_or(u64::MAX).max(1));
        if self.product > MOST_SIZE {
            return ControlFlow::Break(name.to_owned());
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Sizes {
    type Break = String;

    /// A path that says "at any depth" again and again takes exponential time.
    fn pre_visit_value(&mut self, value: &ast::ValueWithSpan) -> ControlFlow<String> {
        let text = value.value.to_string();
        if text.contains('$') && text.matches("**").count() > 1 {
            return ControlFlow::Break("a JSON path with several **".to_owned());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        if let Expr::Function(Function {
            name,
            args: FunctionArguments::List(list),
            ..
        }) = expr
        {
            return self.look(&bare(name), &list.args);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        match factor {
            TableFactor::Table {
                name,
                args: Some(args),
                ..
            } => self.look(&bare(name), &args.args),
            TableFactor::Function { name, args, .. } => self.look(&bare(name), args),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn bare(name: &ast::ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map(|ident| ident.value.to_lowercase())
        .unwrap_or_default()
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

/// A literal number, or the largest in a literal array; nothing when it is not known.
fn number(given: &FunctionArg) -> Option<u64> {
    fn value(expr: &Expr) -> Option<u64> {
        match expr {
            Expr::Value(value) => match &value.value {
                Value::Number(text, _) => text.parse::<f64>().ok().map(|number| number as u64),
                // A parameter has its value by the time this is sent.
                Value::Placeholder(_) | Value::Null => Some(1),
                _ => None,
            },
            Expr::Nested(inner) => value(inner),
            Expr::Array(array) => array
                .elem
                .iter()
                .map(value)
                .try_fold(1_u64, |product, each| {
                    Some(product.saturating_mul(each?.max(1)))
                }),
            _ => None,
        }
    }
    value(argument(given)?)
}

/// What the salt of a password hash asks for: each round doubles the time.
fn rounds(salt: &FunctionArg) -> Option<u64> {
    let Some(Expr::Value(value)) = argument(salt) else {
        return Some(1);
    };
    let text = value.value.to_string();
    let cost = text
        .trim_matches('\'')
        .split('$')
        .nth(2)
        .map(|cost| cost.trim_start_matches("rounds="));
    match cost.map(str::parse::<u32>) {
        Some(Ok(cost)) if cost <= 12 => Some(1),
        Some(Ok(_)) => None,
        _ => Some(1),
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

#[cfg(test)]
mod tests {
    use crate::statement::{Dialect, Statement};

    fn passes(sql: &str) -> bool {
        Statement::parse(sql, Dialect::Postgres).is_ok()
    }

    /// `depth` queries inside each other, each of which names the column of the one inside twice.
    fn nested(depth: usize) -> String {
        let mut sql = "SELECT 'x' AS a".to_owned();
        for level in 0..depth {
            sql = format!("SELECT a || a AS a FROM ({sql}) AS q{level}");
        }
        sql
    }

    #[test]
    fn subqueries_may_repeat_columns_but_not_without_end() {
        assert!(passes(&nested(10)));
        assert!(!passes(&nested(25)));
        let chain: Vec<String> = (1..30)
            .map(|level| format!("c{level} AS (SELECT a || a AS a FROM c{})", level - 1))
            .collect();
        let sql = format!(
            "WITH c0 AS (SELECT 'x' AS a), {} SELECT a FROM c29",
            chain.join(", ")
        );
        assert!(!passes(&sql));
        assert!(passes(
            "WITH a AS (SELECT id, total FROM orders), b AS (SELECT a.id, x.total FROM a JOIN a AS x ON a.id = x.id) SELECT * FROM b JOIN a ON a.id = b.id"
        ));
    }

    #[test]
    fn a_size_is_a_small_number() {
        assert!(passes("SELECT repeat('-', 40)"));
        assert!(passes(
            "SELECT replace(replace(a, '-', ''), ' ', '') FROM t"
        ));
        assert!(passes("SELECT crypt(a, b) FROM t"));
        assert!(passes("SELECT lpad(id::text, 8, '0') FROM orders"));
        for sql in [
            "SELECT repeat('x', 1000000000)",
            "SELECT repeat(repeat('x', 10000), 10000)",
            "SELECT repeat('x', 1000 * 1000 * 1000)",
            "SELECT lpad('x', length(a)) FROM t",
            "SELECT crypt('x', '$2a$20$abcdefghijklmnopqrstuv')",
            "SELECT replace(replace(replace(replace('a', 'a', b), 'b', a), 'a', b), 'b', a) FROM t",
            "SELECT a @? '$.**.**' FROM t",
        ] {
            assert!(!passes(sql), "{sql}");
        }
    }
}
