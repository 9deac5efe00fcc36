//! How large a statement can become while it is planned. Planners put a subquery's expressions in the place of
//! their names, and compute what is constant: a short text can ask for all the memory there is.

mod sizes;
mod sum;
#[cfg(test)]
mod tests;
mod weight;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, SetOperator, SetQuantifier, TableFactor, TableWithJoins, Visit, Visitor,
};

use self::sum::{Sum, Tables};
use self::weight::{Columns, Weight, wider};
use super::Dialect;
use crate::error::{Error, Result};

/// So many names may stand in a statement after every subquery was put in its place.
const MOST_NAMES: u64 = 400_000;

/// So many bytes may its constants have once its functions were computed.
const MOST_BYTES: u64 = 10_000_000;

pub(super) fn check(statement: &ast::Statement, dialect: Dialect) -> Result<()> {
    if statement.visit(&mut Paths).is_break() {
        return Err(any_size("a JSON path with several **"));
    }
    let mut growth = Growth {
        dialect,
        known: BTreeMap::new(),
        scopes: Vec::new(),
        total: Weight::default(),
        unbounded: None,
    };
    growth.statement(statement);
    if let Some(name) = growth.unbounded {
        return Err(any_size(&name));
    }
    if growth.total.names <= MOST_NAMES && growth.total.bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(Error::Refused {
        reason: "its subqueries repeat each other's columns so often that planning it would take all memory".to_owned(),
        instead: "Give an inner part alone.".to_owned(),
    })
}

fn any_size(name: &str) -> Error {
    Error::Refused {
        reason: format!("{name} could be asked here for a value of any size"),
        instead: "Give its result as a literal; the size must be a number, and small.".to_owned(),
    }
}

/// A path that says "at any depth" again and again takes exponential time.
struct Paths;

impl Visitor for Paths {
    type Break = ();

    fn pre_visit_value(&mut self, value: &ast::ValueWithSpan) -> ControlFlow<()> {
        let text = value.value.to_string();
        if text.contains('$') && text.matches(".**").count() > 1 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

struct Growth {
    dialect: Dialect,
    /// The named subqueries; the innermost of a name counts.
    known: BTreeMap<String, Vec<Columns>>,
    /// The tables in FROM and what they are called there, of the innermost query last.
    scopes: Vec<Vec<(String, Columns)>>,
    total: Weight,
    /// The first function that was asked for more than a plan could depend on.
    unbounded: Option<String>,
}

impl Growth {
    /// A statement that writes has tables in FROM or USING, too.
    fn statement(&mut self, statement: &ast::Statement) {
        let mut tables = Tables {
            growth: self,
            scope: Vec::new(),
            depth: 0,
        };
        let _ = statement.visit(&mut tables);
        let scope = tables.scope;
        self.scopes.push(scope);
        self.part(statement);
        self.scopes.pop();
    }

    fn part(&mut self, part: &impl Visit) -> Weight {
        let mut sum = Sum {
            growth: self,
            depth: 0,
            factors: Vec::new(),
            total: Weight::default(),
            leaves: 0,
        };
        let _ = part.visit(&mut sum);
        let Sum {
            mut total, leaves, ..
        } = sum;
        total.plain &= leaves == 1;
        self.total += total;
        total
    }

    fn query(&mut self, query: &Query) -> Columns {
        let mut named = Vec::new();
        let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = table.alias.name.value.to_lowercase();
            let stack = self.known.entry(name.clone()).or_default();
            if recursive {
                stack.push(Columns::OF_A_TABLE);
            }
            let columns = self.query(&table.query).renamed(&table.alias);
            let kept = self.dialect == Dialect::Postgres
                && matches!(
                    table.materialized,
                    Some(ast::CteAsMaterialized::Materialized)
                );
            let stack = self.known.entry(name.clone()).or_default();
            if recursive {
                stack.pop();
            }
            stack.push(if kept {
                columns.computed_first()
            } else {
                columns
            });
            named.push(name);
        }
        let columns = self.body(&query.body);
        if let Some(order) = &query.order_by {
            // It may name what is put out as well as what is read.
            let mut scope = vec![(String::new(), columns.clone())];
            if let SetExpr::Select(select) = query.body.as_ref() {
                for table in &select.from {
                    self.named_in(table, &mut scope);
                }
            }
            self.scopes.push(scope);
            self.part(order);
            self.scopes.pop();
        }
        for name in named {
            if let Some(stack) = self.known.get_mut(&name) {
                stack.pop();
            }
        }
        columns
    }

    fn body(&mut self, body: &SetExpr) -> Columns {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation {
                op,
                set_quantifier,
                left,
                right,
            } => {
                let mut columns = self.body(left);
                let right = self.body(right);
                if *op != SetOperator::Union || *set_quantifier != SetQuantifier::All {
                    return columns.computed_first();
                }
                let widest = right.all().reduce(Weight::max);
                for (at, (_, weight)) in columns.named.iter_mut().enumerate() {
                    match right.named.get(at) {
                        Some((_, other)) if right.others.is_none() => *weight += *other,
                        _ => *weight += widest.unwrap_or_default(),
                    }
                }
                if let Some(others) = &mut columns.others {
                    *others += widest.unwrap_or_default();
                }
                columns
            }
            SetExpr::Values(values) => {
                let weight = self.part(values);
                Columns {
                    named: Vec::new(),
                    others: Some(weight),
                }
            }
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => {
                self.statement(statement);
                Columns::OF_A_TABLE
            }
            SetExpr::Table(table) => {
                let name = table.table_name.as_deref().unwrap_or_default();
                self.known_as(&name.to_lowercase())
            }
        }
    }

    fn select(&mut self, select: &Select) -> Columns {
        self.scopes.push(Vec::new());
        for table in &select.from {
            self.joined(table);
        }
        let mut columns = Columns {
            named: Vec::new(),
            others: None,
        };
        for item in &select.projection {
            self.item(item, &mut columns);
        }
        self.part(&select.distinct);
        self.part(&select.selection);
        self.part(&select.named_window);
        // These may name what is put out.
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((String::new(), columns.clone()));
        }
        self.part(&select.group_by);
        self.part(&select.having);
        self.scopes.pop();
        let grouped = match &select.group_by {
            GroupByExpr::All(_) => true,
            GroupByExpr::Expressions(by, _) => !by.is_empty(),
        };
        if grouped || matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_))) {
            return columns.computed_first();
        }
        columns
    }

    fn item(&mut self, item: &SelectItem, columns: &mut Columns) {
        let scope = self.scopes.last().map_or(&[][..], Vec::as_slice);
        let (name, expr) = match item {
            SelectItem::ExprWithAlias { expr, alias } => (alias.value.to_lowercase(), expr),
            SelectItem::UnnamedExpr(expr) => (called(expr), expr),
            SelectItem::ExprWithAliases { expr, .. } => {
                let weight = self.part(expr);
                columns.others = wider(columns.others, Some(weight));
                return;
            }
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                let of = match item {
                    SelectItem::QualifiedWildcard(
                        SelectItemQualifiedWildcardKind::ObjectName(name),
                        _,
                    ) => Some(bare(name)),
                    _ => None,
                };
                let mut sum = Weight::default();
                let tables = scope
                    .iter()
                    .filter(|(alias, _)| of.as_ref().is_none_or(|of| of == alias));
                for (_, table) in tables {
                    for weight in table.all() {
                        sum += weight;
                    }
                    columns.named.extend(table.named.iter().cloned());
                    columns.others = wider(columns.others, table.others);
                }
                self.total += sum;
                return;
            }
        };
        let weight = self.part(expr);
        columns.named.push((name, weight));
    }

    /// Takes a table and what is joined to it into the innermost scope.
    fn joined(&mut self, table: &TableWithJoins) {
        for factor in
            std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
        {
            self.factor(factor);
        }
        for join in &table.joins {
            self.part(&join.join_operator);
        }
    }

    fn factor(&mut self, factor: &TableFactor) {
        let (name, columns) = match factor {
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => return self.joined(table_with_joins),
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                let columns = self.query(subquery);
                match alias {
                    Some(alias) => (alias.name.value.to_lowercase(), columns.renamed(alias)),
                    None => (String::new(), columns),
                }
            }
            TableFactor::Table {
                name,
                args: None,
                alias,
                ..
            } => {
                let columns = self.named(name);
                match alias {
                    Some(alias) => (alias.name.value.to_lowercase(), columns.renamed(alias)),
                    None => (bare(name), columns),
                }
            }
            other => {
                let weight = self.part(other);
                let alias = match other {
                    TableFactor::Table { alias, .. }
                    | TableFactor::Function { alias, .. }
                    | TableFactor::TableFunction { alias, .. }
                    | TableFactor::UNNEST { alias, .. }
                    | TableFactor::JsonTable { alias, .. } => alias.as_ref(),
                    _ => None,
                };
                let columns = Columns {
                    named: Vec::new(),
                    others: Some(weight.max(Weight::COLUMN)),
                };
                let name = alias.map(|alias| alias.name.value.to_lowercase());
                (name.unwrap_or_default(), columns)
            }
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((name, columns));
        }
    }

    /// The columns of a table or a named subquery.
    fn named(&self, name: &ast::ObjectName) -> Columns {
        self.known_as(&bare(name))
    }

    fn known_as(&self, name: &str) -> Columns {
        self.known
            .get(name)
            .and_then(|stack| stack.last().cloned())
            .unwrap_or(Columns::OF_A_TABLE)
    }

    /// The named subqueries that a FROM names, without counting it again.
    fn named_in(&self, table: &TableWithJoins, scope: &mut Vec<(String, Columns)>) {
        for factor in
            std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
        {
            if let TableFactor::Table { name, alias, .. } = factor {
                let called = alias
                    .as_ref()
                    .map_or_else(|| bare(name), |alias| alias.name.value.to_lowercase());
                scope.push((called, self.named(name)));
            }
        }
    }

    /// What a name stands for, as the innermost query that knows it says; of several tables the widest.
    fn name(&self, parts: &[ast::Ident]) -> Weight {
        let mut reversed = parts.iter().rev().map(|part| part.value.to_lowercase());
        let column = reversed.next().unwrap_or_default();
        let table = reversed.next();
        let mut widest: Option<Weight> = None;
        for (alias, columns) in self.scopes.iter().rev().flatten() {
            let found = match &table {
                Some(table) if table != alias && !alias.is_empty() => None,
                // The whole row.
                None if *alias == column => {
                    let mut sum = Weight::default();
                    columns.all().for_each(|weight| sum += weight);
                    Some(sum)
                }
                _ => columns.get(&column),
            };
            widest = wider(widest, found);
        }
        widest.unwrap_or(Weight::COLUMN)
    }

    fn refuse(&mut self, name: &str) {
        self.unbounded.get_or_insert_with(|| name.to_owned());
    }
}

/// What an output column is called that was given no name.
fn called(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => name.value.to_lowercase(),
        Expr::CompoundIdentifier(parts) => parts
            .last()
            .map(|name| name.value.to_lowercase())
            .unwrap_or_default(),
        Expr::Function(function) => bare(&function.name),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => called(inner),
        _ => String::new(),
    }
}

fn bare(name: &ast::ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map(|ident| ident.value.to_lowercase())
        .unwrap_or_default()
}
