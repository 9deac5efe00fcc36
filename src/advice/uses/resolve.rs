//! Walks over a statement and finds out which table each name means.

mod select;
mod view;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    self, Expr, FromTable, Ident, JoinConstraint, JoinOperator, Query, SetExpr, Statement,
    TableFactor, TableWithJoins, UpdateTableFromKind, Visit, Visitor,
};

use super::{Join, Use};
use crate::catalog::{Catalog, TableKind};
use crate::statement::Dialect;

/// A column of a table: the table's place in the list of uses, and the column's name.
pub(super) type Place = (usize, String);

/// What stands in FROM.
#[derive(Debug, Clone)]
enum Source {
    Table(usize),
    /// The columns of a subquery, and what each of them is where it is no more than a column.
    Derived(Vec<Output>),
}

/// A column that a query puts out.
#[derive(Debug, Clone)]
pub(super) struct Output {
    name: String,
    place: Option<Place>,
}

#[derive(Debug, Default)]
struct Scope {
    sources: Vec<(String, Source)>,
}

pub(super) struct Resolver<'a> {
    catalog: &'a Catalog,
    pub(super) dialect: Dialect,
    pub(super) uses: Vec<Use<'a>>,
    scopes: Vec<Scope>,
    /// Named subqueries, the innermost last.
    named: Vec<(String, Vec<Output>)>,
    /// Queries around the one that is looked at.
    depth: usize,
    views: usize,
}

/// Views in views in views: more of them are not looked into.
const MOST_VIEWS: usize = 40;

impl<'a> Resolver<'a> {
    pub(super) const fn new(catalog: &'a Catalog, dialect: Dialect) -> Self {
        Self {
            catalog,
            dialect,
            uses: Vec::new(),
            scopes: Vec::new(),
            named: Vec::new(),
            depth: 0,
            views: 0,
        }
    }

    pub(super) fn run(mut self, statement: &Statement) -> Vec<Use<'a>> {
        match statement {
            Statement::Query(query) => {
                self.body_of(query);
            }
            Statement::Update(update) => {
                self.scopes.push(Scope::default());
                self.table(&update.table);
                self.written();
                if let Some(
                    UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from),
                ) = &update.from
                {
                    for table in from {
                        self.table(table);
                    }
                }
                for assignment in &update.assignments {
                    self.mention(&assignment.value);
                }
                self.filtered(update.selection.as_ref());
            }
            Statement::Delete(delete) => {
                self.scopes.push(Scope::default());
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) =
                    &delete.from;
                for table in from.iter().chain(delete.using.iter().flatten()) {
                    self.table(table);
                }
                self.written();
                self.filtered(delete.selection.as_ref());
            }
            Statement::Insert(insert) => {
                if let Some(source) = &insert.source {
                    self.body_of(source);
                }
            }
            _ => {}
        }
        self.close_joins();
        self.spread_constants();
        self.uses
    }

    /// The rows of the tables in scope are written: all of each is needed.
    fn written(&mut self) {
        for used in &mut self.uses {
            used.whole_row = true;
        }
    }

    fn filtered(&mut self, selection: Option<&Expr>) {
        if let Some(selection) = selection {
            self.condition(selection);
        }
        self.scopes.pop();
    }

    /// A query within another.
    pub(super) fn query(&mut self, query: &Query) -> Vec<Output> {
        self.depth += 1;
        let outputs = self.body_of(query);
        self.depth -= 1;
        outputs
    }

    fn body_of(&mut self, query: &Query) -> Vec<Output> {
        let before = self.named.len();
        let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = table.alias.name.value.to_lowercase();
            if recursive {
                // What it says of itself is nothing that an index could serve.
                self.named.push((name.clone(), Vec::new()));
            }
            let outputs = self.query(&table.query);
            if recursive {
                self.named.pop();
            }
            self.named
                .push((name, renamed(outputs, &table.alias.columns)));
        }
        let outputs = self.body(&query.body, Some(query));
        self.named.truncate(before);
        outputs
    }

    fn body(&mut self, body: &SetExpr, around: Option<&Query>) -> Vec<Output> {
        match body {
            SetExpr::Select(select) => self.select(select, around),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                let outputs = self.body(left, None);
                self.body(right, None);
                // A column of several tables is none of them.
                let nowhere = |output| Output {
                    place: None,
                    ..output
                };
                outputs.into_iter().map(nowhere).collect()
            }
            SetExpr::Values(values) => {
                self.mention(values);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn table(&mut self, table: &TableWithJoins) {
        self.factor(&table.relation);
        for join in &table.joins {
            let left = self.scopes.last().map_or(0, |scope| scope.sources.len());
            self.factor(&join.relation);
            match constraint(&join.join_operator) {
                Some(JoinConstraint::On(condition)) => self.condition(condition),
                Some(JoinConstraint::Using(names)) => {
                    for name in names {
                        if let Some(name) = name.0.last().and_then(|part| part.as_ident()) {
                            self.joined_by(&name.value, left);
                        }
                    }
                }
                Some(JoinConstraint::Natural) => {
                    for name in self.shared(left) {
                        self.joined_by(&name, left);
                    }
                }
                _ => {}
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor) {
        let (name, source) = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
                let Some(last) = parts.last() else { return };
                let called = alias
                    .as_ref()
                    .map_or(&last.value, |alias| &alias.name.value)
                    .clone();
                let columns = alias
                    .as_ref()
                    .map_or(&[][..], |alias| alias.columns.as_slice());
                match self.source(&parts, &called, columns) {
                    Some(source) => (called, source),
                    None => return,
                }
            }
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                let outputs = self.query(subquery);
                match alias {
                    Some(alias) => (
                        alias.name.value.clone(),
                        Source::Derived(renamed(outputs, &alias.columns)),
                    ),
                    None => (String::new(), Source::Derived(outputs)),
                }
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => return self.table(table_with_joins),
            other => return self.mention(other),
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.push((name.to_lowercase(), source));
        }
    }

    /// A named subquery, a table, or a view as the query that it stands for.
    fn source(
        &mut self,
        parts: &[&Ident],
        called: &str,
        columns: &[ast::TableAliasColumnDef],
    ) -> Option<Source> {
        let last = parts.last()?;
        if let [only] = parts {
            let name = only.value.to_lowercase();
            if let Some((_, outputs)) = self.named.iter().rev().find(|(known, _)| *known == name) {
                return Some(Source::Derived(renamed(outputs.clone(), columns)));
            }
        }
        let qualifier = parts.len().checked_sub(2).and_then(|at| parts.get(at));
        let schema = qualifier.map(|ident| ident.value.as_str());
        let table = self.catalog.find(schema, &last.value)?;
        if table.kind == TableKind::View {
            self.views += 1;
            let view = (self.views <= MOST_VIEWS)
                .then(|| view::query(&table.definition, self.dialect))
                .flatten()?;
            // What it names is its own: neither the tables nor the subqueries around it.
            let scopes = std::mem::take(&mut self.scopes);
            let named = std::mem::take(&mut self.named);
            let outputs = self.query(&view);
            (self.scopes, self.named) = (scopes, named);
            return Some(Source::Derived(renamed(outputs, columns)));
        }
        self.uses.push(Use {
            table,
            alias: called.to_owned(),
            conditions: Vec::new(),
            alternatives: Vec::new(),
            joins: Vec::new(),
            order: Vec::new(),
            limited: false,
            group: Vec::new(),
            extremes: Vec::new(),
            needed: BTreeSet::new(),
            whole_row: false,
        });
        Some(Source::Table(self.uses.len() - 1))
    }

    /// Names that stand both in the source at `left` and before it.
    fn shared(&self, left: usize) -> Vec<String> {
        let Some(scope) = self.scopes.last() else {
            return Vec::new();
        };
        let names = |source: &Source| -> Vec<String> {
            match source {
                Source::Table(id) => self.uses.get(*id).map_or_else(Vec::new, |used| {
                    let columns = used.table.columns.iter();
                    columns.map(|column| column.name.to_lowercase()).collect()
                }),
                Source::Derived(outputs) => {
                    outputs.iter().map(|output| output.name.clone()).collect()
                }
            }
        };
        let before: BTreeSet<String> = scope
            .sources
            .iter()
            .take(left)
            .flat_map(|(_, source)| names(source))
            .collect();
        let after = scope.sources.get(left);
        after
            .map_or_else(Vec::new, |(_, source)| names(source))
            .into_iter()
            .filter(|name| before.contains(name))
            .collect()
    }

    fn joined_by(&mut self, name: &str, left: usize) {
        let Some(scope) = self.scopes.last() else {
            return;
        };
        let of = |(_, source): &(String, Source)| self.in_source(source, name);
        let before = scope.sources.iter().take(left).rev().find_map(of);
        let after = scope.sources.get(left).and_then(of);
        if let (Some(before), Some(after)) = (before, after) {
            self.join(&before, &after);
        }
    }

    fn in_source(&self, source: &Source, name: &str) -> Option<Place> {
        match source {
            Source::Table(id) => {
                let column = self.uses.get(*id)?.table.column(name)?;
                Some((*id, column.name.clone()))
            }
            Source::Derived(outputs) => outputs
                .iter()
                .find(|output| output.name.eq_ignore_ascii_case(name))?
                .place
                .clone(),
        }
    }

    pub(super) fn join(&mut self, left: &Place, right: &Place) {
        for ((id, column), (other, other_column)) in [(left, right), (right, left)] {
            let join = Join {
                column: column.clone(),
                other: *other,
                other_column: other_column.clone(),
            };
            if let Some(used) = self.uses.get_mut(*id)
                && id != other
            {
                used.needed.insert(column.clone());
                if !used.joins.contains(&join) {
                    used.joins.push(join);
                }
            }
        }
    }

    /// The column that an expression is, if it is no more than that.
    pub(super) fn place(&self, expr: &Expr) -> Option<Place> {
        match expr {
            Expr::Nested(inner) => self.place(inner),
            Expr::Identifier(name) => self.place_of(None, &name.value),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [.., qualifier, name] => self.place_of(Some(&qualifier.value), &name.value),
                _ => None,
            },
            _ => None,
        }
    }

    /// The innermost query that knows the name is meant.
    fn place_of(&self, qualifier: Option<&str>, name: &str) -> Option<Place> {
        let sources = self.scopes.iter().rev().flat_map(|scope| &scope.sources);
        for (alias, source) in sources {
            let Some(qualifier) = qualifier else {
                if let Some(place) = self.in_source(source, name) {
                    return Some(place);
                }
                if let Source::Derived(outputs) = source
                    && outputs
                        .iter()
                        .any(|output| output.name.eq_ignore_ascii_case(name))
                {
                    return None;
                }
                continue;
            };
            if alias.eq_ignore_ascii_case(qualifier) {
                return self.in_source(source, name);
            }
        }
        None
    }

    /// Notes every column that a part names, and looks into its queries.
    pub(super) fn mention(&mut self, part: &impl Visit) {
        let _ = part.visit(&mut Mentions {
            resolver: self,
            depth: 0,
        });
    }

    pub(super) fn need(&mut self, place: &Place) {
        if let Some(used) = self.uses.get_mut(place.0) {
            used.needed.insert(place.1.clone());
        }
    }

    /// The one table that all names of an expression belong to; nothing where a query stands in it.
    pub(super) fn only_table(&self, expr: &Expr) -> Option<usize> {
        struct Find<'r, 'a>(&'r Resolver<'a>, Option<usize>);
        impl Visitor for Find<'_, '_> {
            type Break = ();
            fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
                ControlFlow::Break(())
            }
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                    match (self.0.place(expr), self.1) {
                        (Some((id, _)), None) => self.1 = Some(id),
                        (Some((id, _)), Some(known)) if id == known => {}
                        _ => return ControlFlow::Break(()),
                    }
                }
                ControlFlow::Continue(())
            }
        }
        let mut find = Find(self, None);
        match expr.visit(&mut find) {
            ControlFlow::Continue(()) => find.1,
            ControlFlow::Break(()) => None,
        }
    }
}

struct Mentions<'r, 'a> {
    resolver: &'r mut Resolver<'a>,
    depth: usize,
}

impl Visitor for Mentions<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.depth == 0 {
            self.resolver.query(query);
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Some(place) = self.resolver.place(expr)
        {
            self.resolver.need(&place);
        }
        ControlFlow::Continue(())
    }
}

fn renamed(mut outputs: Vec<Output>, columns: &[ast::TableAliasColumnDef]) -> Vec<Output> {
    for (output, column) in outputs.iter_mut().zip(columns) {
        output.name = column.name.value.to_lowercase();
    }
    outputs
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::StraightJoin(constraint) => Some(constraint),
        _ => None,
    }
}
