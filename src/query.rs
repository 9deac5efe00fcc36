//! What a statement asks for: which tables, by which predicates, in which order. Names are resolved
//! against the live catalog; what cannot be resolved is left out rather than guessed.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, JoinConstraint, JoinOperator, LimitClause, OrderByKind,
    Query as AstQuery, Select, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins,
    UnaryOperator, Value, Visit, Visitor,
};

use crate::catalog::{Catalog, Table};

/// The facts of one statement, one scope for each SELECT, UPDATE or DELETE in it.
#[derive(Debug, Default)]
pub struct Query<'a> {
    pub scopes: Vec<Scope<'a>>,
    /// `x NOT IN (SELECT y …)`.
    pub not_in: Vec<NotIn<'a>>,
    pub offset: Option<u64>,
    /// How many of the scopes, the first ones, give the rows that come out.
    pub outermost: usize,
}

/// The tables of one SELECT and what it does with them.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    pub tables: Vec<TableUse<'a>>,
    pub predicates: Vec<Predicate<'a>>,
    pub joins: Vec<(ColumnUse<'a>, ColumnUse<'a>)>,
    pub order_by: Vec<(ColumnUse<'a>, bool)>,
    /// Whether every key of ORDER BY is a plain column of this scope.
    pub order_is_plain: bool,
    pub group_by: Vec<ColumnUse<'a>>,
    pub star: bool,
    pub limited: bool,
    pub distinct: bool,
    /// Positions of tables that one condition names together, whatever it says.
    pub connected: Vec<Vec<usize>>,
    /// Predicates joined by OR are not taken apart.
    pub has_or: bool,
    pub columns: Vec<ColumnUse<'a>>,
}

#[derive(Debug, Clone)]
pub struct TableUse<'a> {
    pub table: &'a Table,
    /// What the statement calls it.
    pub alias: String,
    /// Its position in the scope.
    pub position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ColumnUse<'a> {
    pub table: &'a Table,
    /// Position of the table in the scope: one table may stand there twice.
    pub position: usize,
    pub column: &'a str,
}

/// One condition of a conjunction that compares a column with something known.
#[derive(Debug, Clone)]
pub struct Predicate<'a> {
    pub column: ColumnUse<'a>,
    pub kind: PredicateKind,
    /// As written, for display.
    pub text: String,
    /// With the table's alias taken out, to be asked of the table alone; nothing where it names more than
    /// its own column.
    pub bare: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredicateKind {
    Equality,
    Range,
    /// One of several values: found like equality, but not in order.
    AnyOf,
    IsNull,
    /// `<>`, NOT LIKE, NOT IN: an index rarely helps.
    Negative,
    LikePrefix,
    LikeLeadingWildcard,
    /// A function or arithmetic stands around the column.
    Wrapped,
}

#[derive(Debug)]
pub struct NotIn<'a> {
    pub column: ColumnUse<'a>,
    pub text: String,
}

impl<'a> Query<'a> {
    pub fn new(statement: &Statement, catalog: &'a Catalog) -> Self {
        struct Collect<'a> {
            catalog: &'a Catalog,
            query: Query<'a>,
        }
        impl Visitor for Collect<'_> {
            type Break = ();
            fn pre_visit_query(&mut self, query: &AstQuery) -> ControlFlow<()> {
                if let Some(limit) = &query.limit_clause {
                    self.query.offset = self.query.offset.max(offset_of(limit));
                }
                let before = self.query.scopes.len();
                self.query.add_body(&query.body, self.catalog);
                if before == 0 {
                    self.query.outermost = self.query.scopes.len();
                }
                // ORDER BY and LIMIT belong to a plain SELECT alone, not to a UNION.
                if let (SetExpr::Select(_), Some(scope)) =
                    (query.body.as_ref(), self.query.scopes.get_mut(before))
                {
                    scope.add_order(query);
                }
                ControlFlow::Continue(())
            }
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                if let Expr::InSubquery {
                    subquery,
                    negated: true,
                    ..
                } = expr
                {
                    self.query.add_not_in(expr, subquery, self.catalog);
                }
                ControlFlow::Continue(())
            }
        }
        let mut collect = Collect {
            catalog,
            query: Query::default(),
        };
        match statement {
            Statement::Update(update) => {
                collect.query.add_changed(
                    std::slice::from_ref(&update.table),
                    update.selection.as_ref(),
                    catalog,
                );
            }
            Statement::Delete(delete) => {
                let (sqlparser::ast::FromTable::WithFromKeyword(from)
                | sqlparser::ast::FromTable::WithoutKeyword(from)) = &delete.from;
                collect
                    .query
                    .add_changed(from, delete.selection.as_ref(), catalog);
            }
            _ => {}
        }
        let _ = statement.visit(&mut collect);
        collect.query
    }

    /// The table that a plan's node means by this name or alias.
    pub fn called(&self, name: &str) -> Option<&'a Table> {
        let uses = || self.scopes.iter().flat_map(|scope| &scope.tables);
        uses()
            .find(|used| used.alias.eq_ignore_ascii_case(name))
            .or_else(|| uses().find(|used| used.table.name.eq_ignore_ascii_case(name)))
            .map(|used| used.table)
    }

    /// All tables, each once, in order of first use.
    pub fn tables(&self) -> Vec<&'a Table> {
        let mut tables: Vec<&Table> = Vec::new();
        for used in self.scopes.iter().flat_map(|scope| &scope.tables) {
            if !tables.iter().any(|known| std::ptr::eq(*known, used.table)) {
                tables.push(used.table);
            }
        }
        tables
    }

    fn add_body(&mut self, body: &SetExpr, catalog: &'a Catalog) {
        match body {
            SetExpr::Select(select) => {
                let mut scope = Scope::default();
                scope.add_select(select, catalog);
                self.scopes.push(scope);
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.add_body(left, catalog);
                self.add_body(right, catalog);
            }
            _ => {}
        }
    }

    fn add_changed(
        &mut self,
        from: &[TableWithJoins],
        selection: Option<&Expr>,
        catalog: &'a Catalog,
    ) {
        let mut scope = Scope::default();
        let names = scope.add_from(from, catalog);
        if let Some(selection) = selection {
            scope.add_condition(selection, &names);
        }
        self.scopes.push(scope);
    }

    fn add_not_in(&mut self, expr: &Expr, subquery: &AstQuery, catalog: &'a Catalog) {
        let SetExpr::Select(select) = subquery.body.as_ref() else {
            return;
        };
        let mut scope = Scope::default();
        let names = scope.add_from(&select.from, catalog);
        let Some(SelectItem::UnnamedExpr(first) | SelectItem::ExprWithAlias { expr: first, .. }) =
            select.projection.first()
        else {
            return;
        };
        if let Some(column) = names.column(first) {
            // `WHERE y IS NOT NULL` inside takes the trap away.
            let guarded = select.selection.as_ref().is_some_and(|selection| {
                conjuncts(selection).iter().any(|part| {
                    matches!(part, Expr::IsNotNull(inner) if names.column(inner).is_some_and(|c| c.column == column.column))
                })
            });
            if !guarded {
                self.not_in.push(NotIn {
                    column,
                    text: expr.to_string(),
                });
            }
        }
    }
}

/// Names that may stand before a dot in one scope.
struct Names<'a> {
    tables: Vec<(String, TableUse<'a>)>,
}

impl<'a> Names<'a> {
    fn column(&self, expr: &Expr) -> Option<ColumnUse<'a>> {
        match expr {
            Expr::Nested(inner) => self.column(inner),
            Expr::Identifier(ident) => {
                let mut found = self.tables.iter().filter_map(|(_, used)| {
                    used.table.column(&ident.value).map(|column| ColumnUse {
                        table: used.table,
                        position: used.position,
                        column: &column.name,
                    })
                });
                let first = found.next();
                if found.next().is_some() { None } else { first }
            }
            Expr::CompoundIdentifier(parts) => {
                let [.., qualifier, name] = parts.as_slice() else {
                    return None;
                };
                let (_, used) = self
                    .tables
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(&qualifier.value))?;
                used.table.column(&name.value).map(|column| ColumnUse {
                    table: used.table,
                    position: used.position,
                    column: &column.name,
                })
            }
            _ => None,
        }
    }

    /// The one column that stands somewhere inside an expression.
    fn wrapped(&self, expr: &Expr) -> Option<ColumnUse<'a>> {
        struct Find<'n, 'a>(&'n Names<'a>, Vec<ColumnUse<'a>>);
        impl Visitor for Find<'_, '_> {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                if let Some(column) = self.0.column(expr) {
                    self.1.push(column);
                }
                ControlFlow::Continue(())
            }
        }
        if matches!(expr, Expr::Subquery(_) | Expr::Exists { .. }) {
            return None;
        }
        let mut find = Find(self, Vec::new());
        let _ = expr.visit(&mut find);
        find.1.dedup();
        match find.1.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }

    /// Whether every name in an expression is this column.
    fn only(&self, expr: &Expr, column: &ColumnUse<'a>) -> bool {
        struct Others<'n, 'a>(&'n Names<'a>, &'n ColumnUse<'a>, bool);
        impl Visitor for Others<'_, '_> {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                self.2 |= match expr {
                    Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                        self.0.column(expr).as_ref() != Some(self.1)
                    }
                    Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => true,
                    _ => false,
                };
                ControlFlow::Continue(())
            }
        }
        let mut others = Others(self, column, false);
        let _ = expr.visit(&mut others);
        !others.2
    }

    /// Positions of the tables of which an expression names columns.
    fn positions(&self, expr: &Expr) -> Vec<usize> {
        let mut found = Vec::new();
        let _ = sqlparser::ast::visit_expressions(expr, |inner| {
            found.extend(self.column(inner).map(|column| column.position));
            ControlFlow::<()>::Continue(())
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    fn mentions_any(&self, expr: &Expr) -> bool {
        struct Any<'n, 'a>(&'n Names<'a>, bool);
        impl Visitor for Any<'_, '_> {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                self.1 |= self.0.column(expr).is_some();
                ControlFlow::Continue(())
            }
        }
        let mut any = Any(self, false);
        let _ = expr.visit(&mut any);
        any.1
    }
}

impl<'a> Scope<'a> {
    /// A table that no condition names, neither with another nor alone.
    pub fn unjoined(&self) -> Option<&TableUse<'a>> {
        self.tables.iter().find(|used| {
            let joined = self.joins.iter().any(|(left, right)| {
                left.position == used.position || right.position == used.position
            });
            let fixed = self
                .predicates
                .iter()
                .any(|predicate| predicate.column.position == used.position);
            let connected = self
                .connected
                .iter()
                .any(|together| together.contains(&used.position));
            !joined && !fixed && !connected
        })
    }

    fn add_select(&mut self, select: &Select, catalog: &'a Catalog) {
        let names = self.add_from(&select.from, catalog);
        self.distinct = select.distinct.is_some();
        self.star = select.projection.iter().any(|item| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        });
        if let Some(selection) = &select.selection {
            self.add_condition(selection, &names);
        }
        if let sqlparser::ast::GroupByExpr::Expressions(keys, _) = &select.group_by {
            self.group_by = keys.iter().filter_map(|key| names.column(key)).collect();
        }
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                self.columns.extend(names.column(expr));
            }
        }
    }

    fn add_order(&mut self, query: &AstQuery) {
        self.limited = query.limit_clause.is_some() || query.fetch.is_some();
        let names = Names {
            tables: self
                .tables
                .iter()
                .map(|used| (used.alias.clone(), used.clone()))
                .collect(),
        };
        if let Some(order) = &query.order_by
            && let OrderByKind::Expressions(keys) = &order.kind
        {
            let plain: Vec<_> = keys
                .iter()
                .map(|key| {
                    names
                        .column(&key.expr)
                        .map(|column| (column, descends(key)))
                })
                .collect();
            self.order_is_plain = plain.iter().all(Option::is_some);
            self.order_by = plain.into_iter().flatten().collect();
        }
    }

    fn add_from(&mut self, from: &[TableWithJoins], catalog: &'a Catalog) -> Names<'a> {
        let mut names = Names { tables: Vec::new() };
        let mut conditions = Vec::new();
        for item in from {
            self.add_factor(&item.relation, catalog, &mut names);
            for join in &item.joins {
                self.add_factor(&join.relation, catalog, &mut names);
                if let Some(JoinConstraint::On(condition)) = constraint(&join.join_operator) {
                    conditions.push(condition.clone());
                }
            }
        }
        for condition in &conditions {
            self.add_condition(condition, &names);
        }
        names
    }

    fn add_factor(&mut self, factor: &TableFactor, catalog: &'a Catalog, names: &mut Names<'a>) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let parts: Vec<String> = name
                    .0
                    .iter()
                    .filter_map(|part| part.as_ident().map(|ident| ident.value.clone()))
                    .collect();
                let found = match parts.as_slice() {
                    [name] => catalog.find(None, name),
                    [.., schema, name] => catalog.find(Some(schema), name),
                    [] => None,
                };
                if let Some(table) = found {
                    let called = alias
                        .as_ref()
                        .map_or_else(|| table.name.clone(), |alias| alias.name.value.clone());
                    let used = TableUse {
                        table,
                        alias: called.clone(),
                        position: self.tables.len(),
                    };
                    self.tables.push(used.clone());
                    names.tables.push((called, used));
                }
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => {
                self.add_factor(&table_with_joins.relation, catalog, names);
                for join in &table_with_joins.joins {
                    self.add_factor(&join.relation, catalog, names);
                    if let Some(JoinConstraint::On(condition)) = constraint(&join.join_operator) {
                        self.add_condition(condition, names);
                    }
                }
            }
            _ => {}
        }
    }

    fn add_condition(&mut self, condition: &Expr, names: &Names<'a>) {
        for part in conjuncts(condition) {
            let together = names.positions(part);
            if together.len() > 1 {
                self.connected.push(together);
            }
            if matches!(
                part,
                Expr::BinaryOp {
                    op: BinaryOperator::Or,
                    ..
                }
            ) {
                self.has_or = true;
                continue;
            }
            if let Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } = part
                && let (Some(left), Some(right)) = (names.column(left), names.column(right))
            {
                self.joins.push((left, right));
                continue;
            }
            if let Some((column, kind)) = classify(part, names) {
                let bare = names.only(part, &column).then(|| without_qualifiers(part));
                self.predicates.push(Predicate {
                    column,
                    kind,
                    text: part.to_string(),
                    bare,
                });
            }
        }
    }
}

fn classify<'a>(whole: &Expr, names: &Names<'a>) -> Option<(ColumnUse<'a>, PredicateKind)> {
    use PredicateKind::{
        AnyOf, Equality, IsNull, LikeLeadingWildcard, LikePrefix, Negative, Range, Wrapped,
    };
    match whole {
        Expr::BinaryOp { left, op, right } => {
            let kind = match op {
                BinaryOperator::Eq | BinaryOperator::Spaceship => Equality,
                BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq => Range,
                BinaryOperator::NotEq => Negative,
                _ => return None,
            };
            let (column_side, other) = if names.mentions_any(left) {
                (left, right)
            } else {
                (right, left)
            };
            if names.mentions_any(other) {
                return None;
            }
            if let Some(column) = names.column(column_side) {
                return Some((column, kind));
            }
            names.wrapped(column_side).map(|column| (column, Wrapped))
        }
        Expr::InList {
            expr,
            negated,
            list,
        } => {
            let kind = match (negated, list.len()) {
                (true, _) => Negative,
                (false, 1) => Equality,
                (false, _) => AnyOf,
            };
            names.column(expr).map(|column| (column, kind))
        }
        Expr::Between { expr, negated, .. } => match names.column(expr) {
            Some(column) => Some((column, if *negated { Negative } else { Range })),
            None => names.wrapped(expr).map(|column| (column, Wrapped)),
        },
        Expr::IsNull(inner) => names.column(inner).map(|column| (column, IsNull)),
        Expr::IsNotNull(inner) => names.column(inner).map(|column| (column, Negative)),
        Expr::Like {
            negated,
            expr,
            pattern,
            ..
        }
        | Expr::ILike {
            negated,
            expr,
            pattern,
            ..
        } => {
            let (column, plain) = match names.column(expr) {
                Some(column) => (column, true),
                None => (names.wrapped(expr)?, false),
            };
            let kind = match (negated, leading_wildcard(pattern)) {
                (true, _) => Negative,
                (false, Some(false)) if !plain || matches!(whole, Expr::ILike { .. }) => Wrapped,
                (false, Some(true)) => LikeLeadingWildcard,
                (false, Some(false)) => LikePrefix,
                (false, None) => return None,
            };
            Some((column, kind))
        }
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => names.column(expr).map(|column| (column, Equality)),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            names.column(whole).map(|column| (column, Equality))
        }
        _ => None,
    }
}

fn leading_wildcard(pattern: &Expr) -> Option<bool> {
    let Expr::Value(value) = pattern else {
        return None;
    };
    match &value.value {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
            Some(text.starts_with(['%', '_']))
        }
        _ => None,
    }
}

/// Whether a part of HAVING names, by its alias, what the select list computes of the group.
pub fn is_alias_of_call(part: &Expr, select: &Select) -> bool {
    let computed = |name: &str| {
        select.projection.iter().any(|item| {
            matches!(item, SelectItem::ExprWithAlias { expr, alias }
                if alias.value.eq_ignore_ascii_case(name) && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
        })
    };
    let mut found = false;
    let _ = sqlparser::ast::visit_expressions(part, |inner| {
        found |= matches!(inner, Expr::Identifier(name) if computed(&name.value));
        ControlFlow::<()>::Continue(())
    });
    found
}

/// The parts of a condition that must all hold.
pub fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        Expr::Nested(inner) => conjuncts(inner),
        other => vec![other],
    }
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

fn descends(key: &sqlparser::ast::OrderByExpr) -> bool {
    key.to_string()
        .split_whitespace()
        .any(|word| word.eq_ignore_ascii_case("desc"))
}

fn offset_of(limit: &LimitClause) -> Option<u64> {
    let expr = match limit {
        LimitClause::LimitOffset { offset, .. } => &offset.as_ref()?.value,
        LimitClause::OffsetCommaLimit { offset, .. } => offset,
    };
    expr.to_string().parse().ok()
}

fn without_qualifiers(expr: &Expr) -> String {
    let mut expr = expr.clone();
    let _ = sqlparser::ast::visit_expressions_mut(&mut expr, |inner| {
        if let Expr::CompoundIdentifier(parts) = inner
            && let Some(last) = parts.pop()
        {
            *inner = Expr::Identifier(last);
        }
        ControlFlow::<()>::Continue(())
    });
    expr.to_string()
}
