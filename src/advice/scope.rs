//! What the names in one SELECT mean, for what rewrites it: a name that may mean two things, or that comes from a
//! table of which nothing is known, means nothing.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, Select,
    TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::catalog::{Catalog, Column, Table, TableKind};
use crate::query::conjuncts;
use crate::statement::{Dialect, expression};

/// One table of FROM.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// What stands before its columns.
    pub name: Ident,
    /// Nothing for what is no table of the catalog.
    pub table: Option<&'a Table>,
    /// A join may put NULLs in the place of its row.
    pub outer: bool,
}

#[derive(Debug, Clone)]
pub struct Scope<'a> {
    pub sources: Vec<Source<'a>>,
    dialect: Dialect,
}

/// A column of one source.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The source's place.
    pub at: usize,
    pub table: &'a Table,
    pub column: &'a Column,
    pub nullable: bool,
}

impl Found<'_> {
    /// Whether rows can be found by it alone.
    pub fn has_index(&self) -> bool {
        let name = self.column.name.as_str();
        let key = self.table.primary_key.as_ref();
        self.table.index_on(&[name]).is_some()
            || key.is_some_and(|key| key.columns.first().is_some_and(|first| first == name))
    }
}

impl PartialEq for Found<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && self.column.name == other.column.name
    }
}

impl<'a> Scope<'a> {
    /// `own` are names that the statement itself gives to queries.
    pub fn of(select: &Select, catalog: &'a Catalog, dialect: Dialect, own: &[String]) -> Self {
        let mut scope = Self {
            sources: Vec::new(),
            dialect,
        };
        for item in &select.from {
            let first = scope.sources.len();
            scope.add(&item.relation, catalog, own);
            for join in &item.joins {
                let before = scope.sources.len();
                scope.add(&join.relation, catalog, own);
                let (left, right) = match &join.join_operator {
                    JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (false, true),
                    JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (true, false),
                    JoinOperator::FullOuter(_) => (true, true),
                    _ => (false, false),
                };
                for (at, source) in scope.sources.iter_mut().enumerate().skip(first) {
                    source.outer |= if at < before { left } else { right };
                }
            }
        }
        scope
    }

    fn add(&mut self, factor: &TableFactor, catalog: &'a Catalog, own: &[String]) {
        let unknown = |name: Ident| Source {
            name,
            table: None,
            outer: false,
        };
        let source = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let Some(last) = name.0.last().and_then(|part| part.as_ident()) else {
                    return self.sources.push(unknown(Ident::new("")));
                };
                let renames = alias
                    .as_ref()
                    .is_some_and(|alias| !alias.columns.is_empty());
                Source {
                    name: alias
                        .as_ref()
                        .map_or_else(|| last.clone(), |alias| alias.name.clone()),
                    table: table(name, catalog, own).filter(|_| !renames),
                    outer: false,
                }
            }
            TableFactor::Derived { alias, .. } | TableFactor::Table { alias, .. } => unknown(
                alias
                    .as_ref()
                    .map_or_else(|| Ident::new(""), |alias| alias.name.clone()),
            ),
            _ => unknown(Ident::new("")),
        };
        self.sources.push(source);
    }

    /// Whether all that FROM names is known.
    pub fn is_known(&self) -> bool {
        self.sources.iter().all(|source| source.table.is_some())
    }

    pub fn column(&self, expr: &Expr) -> Option<Found<'a>> {
        let (of, name) = match expr {
            Expr::Nested(inner) => return self.column(inner),
            Expr::Identifier(name) => (None, name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [of, name] | [_, of, name] => (Some(of), name),
                _ => return None,
            },
            _ => return None,
        };
        if of.is_none() && !self.is_known() {
            return None;
        }
        let mut found = self.sources.iter().enumerate().filter_map(|(at, source)| {
            if of.is_some_and(|of| !of.value.eq_ignore_ascii_case(&source.name.value)) {
                return None;
            }
            let table = source.table?;
            let column = table.column(&name.value)?;
            Some(Found {
                at,
                table,
                column,
                nullable: column.nullable || source.outer,
            })
        });
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }

    /// All columns that stand in an expression; nothing where one of its names is unknown or it holds a query.
    pub fn columns(&self, expr: &Expr) -> Option<Vec<Found<'a>>> {
        struct Columns<'s, 'a>(&'s Scope<'a>, Vec<Found<'a>>);
        impl Visitor for Columns<'_, '_> {
            type Break = ();
            fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
                ControlFlow::Break(())
            }
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                    let Some(found) = self.0.column(expr) else {
                        return ControlFlow::Break(());
                    };
                    self.1.push(found);
                }
                ControlFlow::Continue(())
            }
        }
        let mut columns = Columns(self, Vec::new());
        match expr.visit(&mut columns) {
            ControlFlow::Continue(()) => Some(columns.1),
            ControlFlow::Break(()) => None,
        }
    }

    /// The column with its table before it, as it may stand in SQL.
    pub fn name(&self, found: &Found<'a>) -> String {
        let of = self.sources.get(found.at);
        let of = of.map_or_else(String::new, |source| format!("{}.", source.name));
        format!("{of}{}", self.dialect.identifier(&found.column.name))
    }

    /// The expression with a table before each column, told by a function.
    pub fn qualified(&self, expr: &Expr, name: impl Fn(&Found<'a>) -> String) -> Option<String> {
        struct Qualify<'s, 'a, F>(&'s Scope<'a>, F);
        impl<'a, F: Fn(&Found<'a>) -> String> VisitorMut for Qualify<'_, 'a, F> {
            type Break = ();
            fn pre_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<()> {
                ControlFlow::Break(())
            }
            fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
                if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                    let named = self
                        .0
                        .column(expr)
                        .and_then(|found| expression(&(self.1)(&found), self.0.dialect));
                    let Some(named) = named else {
                        return ControlFlow::Break(());
                    };
                    *expr = named;
                }
                ControlFlow::Continue(())
            }
        }
        let mut expr = expr.clone();
        match VisitMut::visit(&mut expr, &mut Qualify(self, name)) {
            ControlFlow::Continue(()) => Some(and_part(&expr)),
            ControlFlow::Break(()) => None,
        }
    }

    /// Whether a source's rows are told apart by some of these columns, none of which may be NULL.
    pub fn has_key(&self, at: usize, columns: &[Found<'a>]) -> bool {
        let own: Vec<&str> = columns
            .iter()
            .filter(|found| found.at == at && !found.nullable)
            .map(|found| found.column.name.as_str())
            .collect();
        let table = self.sources.get(at).and_then(|source| source.table);
        table.is_some_and(|table| table.is_unique(&own))
    }
}

/// A table of the catalog that holds its rows or shows another's, and that the statement does not define itself.
fn table<'a>(name: &ObjectName, catalog: &'a Catalog, own: &[String]) -> Option<&'a Table> {
    let parts: Vec<&str> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident().map(|ident| ident.value.as_str()))
        .collect();
    let found = match parts.as_slice() {
        [name] if own.iter().any(|own| own.eq_ignore_ascii_case(name)) => None,
        [name] => catalog.find(None, name),
        [.., schema, name] => catalog.find(Some(schema), name),
        [] => None,
    };
    found.filter(|table| table.kind != TableKind::Virtual)
}

/// A condition as it may stand between two ANDs.
pub fn and_part(expr: &Expr) -> String {
    match expr {
        Expr::BinaryOp {
            op: BinaryOperator::Or | BinaryOperator::Xor,
            ..
        } => format!("({expr})"),
        _ => expr.to_string(),
    }
}

/// The parts of a condition, each as it may stand between two ANDs.
pub fn and_parts(condition: Option<&Expr>) -> Vec<String> {
    condition
        .map(conjuncts)
        .unwrap_or_default()
        .into_iter()
        .map(and_part)
        .collect()
}

/// The ON of a join that keeps only what matches on both sides; the outer of an Option is whether it is one.
pub fn inner_condition(operator: &JoinOperator) -> Option<Option<&Expr>> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on)) => Some(Some(on)),
        JoinOperator::CrossJoin(JoinConstraint::None) => Some(None),
        _ => None,
    }
}

/// What a column's values are like, by its declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Decimal,
    Text,
    Date,
    /// A point in time.
    Time,
    Other,
}

pub fn kind(column: &Column) -> Kind {
    let name = column.data_type.to_lowercase();
    let word: String = name
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    match word.as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "int2" | "int4"
        | "int8" | "smallserial" | "serial" | "bigserial" => Kind::Integer,
        "numeric" | "decimal" | "dec" => Kind::Decimal,
        "text" | "varchar" | "character" | "char" | "nvarchar" | "nchar" | "tinytext"
        | "mediumtext" | "longtext" | "clob" => Kind::Text,
        "date" => Kind::Date,
        "timestamp" | "timestamptz" | "datetime" => Kind::Time,
        _ => Kind::Other,
    }
}
