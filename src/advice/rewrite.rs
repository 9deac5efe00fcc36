//! Other ways to say the same: one file a rewrite. Each works on the parsed statement and the catalog, and gives
//! nothing where it can't tell that the meaning stays, or says in its reason when it would not.

mod count_to_exists;
mod distinct_join_to_exists;
mod having_to_where;
mod implicit_cast;
mod left_join_to_inner;
mod not_in_to_not_exists;
mod offset_to_keyset;
mod or_to_union_all;
mod range_of_function;
mod select_star;
mod subquery_to_join;
#[cfg(test)]
mod tests;
mod union_to_union_all;

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, Select, SetExpr, Visit, VisitMut, Visitor, VisitorMut};

use super::scope::{Scope, and_part};
use crate::catalog::Catalog;
use crate::plan::Plan;
use crate::query::conjuncts;
use crate::statement::functions::{is_aggregate, is_unsteady};
use crate::statement::{Dialect, Numbered, Statement, expression};

/// What a rewrite may look at.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Its parameters have numbers.
    query: &'a ast::Query,
    catalog: &'a Catalog,
    dialect: Dialect,
    plan: &'a Plan,
    /// Names that the statement gives to queries of its own.
    own: Vec<String>,
}

#[derive(Debug)]
pub struct Rule {
    /// Kebab-case; the file's name with dashes.
    pub id: &'static str,
    /// The rules of the persona that it keeps.
    pub persona: &'static [&'static str],
    pub worth: Worth,
    pub rewrite: fn(&Subject<'_>) -> Option<Rewritten>,
}

/// When a rewrite is worth to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// If the planner finds it cheaper.
    Cheaper,
    /// Unless the planner finds it dearer.
    NotDearer,
    /// The same for what an index can be searched by, where the planner could only guess before.
    Searchable,
    /// Whatever it costs: it is about right answers, or the planner can't see what is saved.
    Always,
}

/// Whether the rewritten statement gives the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    Always,
    /// Only of values that are as they should be, which the reason says: what it gives on others is not held
    /// against it.
    OfUsualValues,
    /// They differ when there is a NULL, and then the rewritten one is right.
    UnlessNull,
    /// It asks for other rows, or in another way; why that can't be tried.
    NotTried(&'static str),
}

/// What a rule makes.
#[derive(Debug)]
pub struct Rewritten {
    query: ast::Query,
    reason: String,
    same: Same,
}

/// Another way to say a statement.
#[derive(Debug)]
pub struct Rewrite {
    pub rule: &'static Rule,
    /// As one would write it, with the statement's own parameters.
    pub shown: Statement,
    /// With numbered parameters, to put values in.
    pub numbered: Statement,
    pub reason: String,
    pub same: Same,
}

/// Every rewrite, by name.
pub const RULES: &[Rule] = &[
    count_to_exists::RULE,
    distinct_join_to_exists::RULE,
    having_to_where::RULE,
    implicit_cast::RULE,
    left_join_to_inner::RULE,
    not_in_to_not_exists::RULE,
    offset_to_keyset::RULE,
    or_to_union_all::RULE,
    range_of_function::RULE,
    select_star::RULE,
    subquery_to_join::RULE,
    union_to_union_all::RULE,
];

/// All that can be said in another way, in the order of `RULES`.
pub fn rewrites(statement: &Statement, catalog: &Catalog, plan: &Plan) -> Vec<Rewrite> {
    if !statement.only_reads() || statement.functions().iter().any(|name| is_unsteady(name)) {
        return Vec::new();
    }
    let Some(numbered) = Numbered::new(statement) else {
        return Vec::new();
    };
    let ast::Statement::Query(query) = &numbered.ast else {
        return Vec::new();
    };
    let subject = Subject {
        query,
        catalog,
        dialect: statement.dialect,
        plan,
        own: own_names(query),
    };
    RULES
        .iter()
        .filter_map(|rule| {
            let made = (rule.rewrite)(&subject)?;
            finish(rule, made, &numbered, statement)
        })
        .collect()
}

/// What was made goes through the door like any other statement.
fn finish(
    rule: &'static Rule,
    made: Rewritten,
    numbered: &Numbered,
    statement: &Statement,
) -> Option<Rewrite> {
    let ast = ast::Statement::Query(Box::new(made.query));
    if ast == numbered.ast {
        return None;
    }
    let (named, order) = numbered.named(ast.clone());
    let shown = Statement::parse(&named.to_string(), statement.dialect).ok()?;
    let numbered = Statement::parse(&ast.to_string(), statement.dialect).ok()?;
    let mut reason = made.reason;
    if let Some(order) = order {
        reason.push_str("; its parameters are now, in this order, ");
        reason.push_str(&order.join(", "));
    }
    Some(Rewrite {
        rule,
        shown,
        numbered,
        reason,
        same: made.same,
    })
}

fn own_names(query: &ast::Query) -> Vec<String> {
    struct Own(Vec<String>);
    impl Visitor for Own {
        type Break = ();
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
            let tables = query.with.iter().flat_map(|with| &with.cte_tables);
            self.0
                .extend(tables.map(|table| table.alias.name.value.clone()));
            ControlFlow::Continue(())
        }
    }
    let mut own = Own(Vec::new());
    let _ = query.visit(&mut own);
    own.0
}

impl<'a> Subject<'a> {
    fn scope(&self, select: &Select) -> Scope<'a> {
        Scope::of(select, self.catalog, self.dialect, &self.own)
    }

    /// The statement as one SELECT whose rows come as they are: not grouped, not made distinct.
    fn plain_select(&self) -> Option<&'a Select> {
        let select = self.only_select()?;
        let grouped = is_grouped(select) || select.having.is_some() || select.distinct.is_some();
        (!grouped).then_some(select)
    }

    /// The statement as one SELECT, where it is no more than that.
    fn only_select(&self) -> Option<&'a Select> {
        match self.query.body.as_ref() {
            SetExpr::Select(select) if is_usual(select) => Some(select),
            _ => None,
        }
    }

    /// The statement with another SELECT in the place of its own.
    fn with_select(&self, select: Select) -> ast::Query {
        ast::Query {
            body: Box::new(SetExpr::Select(Box::new(select))),
            ..self.query.clone()
        }
    }

    fn expression(&self, text: &str) -> Option<Expr> {
        expression(text, self.dialect)
    }

    /// The conditions that all must hold as one again.
    fn all_of(&self, parts: &[String]) -> Option<Expr> {
        self.expression(&parts.join(" AND "))
    }

    /// The statement with other conditions in the place of those of WHERE that a function has a word for, in every
    /// SELECT of it.
    fn each_condition(
        &self,
        mut other: impl FnMut(&Expr, &Scope<'a>) -> Option<String>,
    ) -> Option<ast::Query> {
        struct Each<'s, 'a, F>(&'s Subject<'a>, F, bool);
        impl<'a, F: FnMut(&Expr, &Scope<'a>) -> Option<String>> VisitorMut for Each<'_, 'a, F> {
            type Break = ();
            fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
                let Some(selection) = &select.selection else {
                    return ControlFlow::Continue(());
                };
                let scope = self.0.scope(select);
                let mut changed = false;
                let parts: Vec<String> = conjuncts(selection)
                    .into_iter()
                    .map(|part| {
                        let other = (self.1)(part, &scope);
                        changed |= other.is_some();
                        other.unwrap_or_else(|| and_part(part))
                    })
                    .collect();
                if changed && let Some(whole) = self.0.all_of(&parts) {
                    select.selection = Some(whole);
                    self.2 = true;
                }
                ControlFlow::Continue(())
            }
        }
        let mut query = self.query.clone();
        let mut each = Each(self, &mut other, false);
        let _ = VisitMut::visit(&mut query, &mut each);
        each.2.then_some(query)
    }
}

fn is_grouped(select: &Select) -> bool {
    let grouped =
        !matches!(&select.group_by, ast::GroupByExpr::Expressions(keys, _) if keys.is_empty());
    grouped || select.projection.iter().any(aggregates)
}

/// Nothing in it that the rewrites do not know of.
fn is_usual(select: &Select) -> bool {
    select.top.is_none()
        && select.into.is_none()
        && select.qualify.is_none()
        && select.connect_by.is_empty()
        && select.lateral_views.is_empty()
        && select.optimizer_hints.is_empty()
        && !select.from.is_empty()
}

/// Whether it calls a function over many rows, or over a window, outside of queries of its own.
fn aggregates(part: &impl Visit) -> bool {
    struct Aggregates(usize, bool);
    impl Visitor for Aggregates {
        type Break = ();
        fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            self.0 -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr {
                let name = function.name.to_string().to_lowercase();
                self.1 |= self.0 == 0
                    && (function.over.is_some()
                        || !function.within_group.is_empty()
                        || is_aggregate(&name));
            }
            ControlFlow::Continue(())
        }
    }
    let mut found = Aggregates(0, false);
    let _ = part.visit(&mut found);
    found.1
}

/// Whether a query stands in it.
fn has_query(part: &impl Visit) -> bool {
    struct Query(bool);
    impl Visitor for Query {
        type Break = ();
        fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            self.0 = true;
            ControlFlow::Break(())
        }
    }
    let mut query = Query(false);
    let _ = part.visit(&mut query);
    query.0
}

/// The query of a subquery as one SELECT that gives its rows as they are.
fn plain_subquery(query: &ast::Query) -> Option<&Select> {
    let bare = query.with.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty();
    match query.body.as_ref() {
        SetExpr::Select(select) if bare && is_usual(select) => Some(select),
        _ => None,
    }
}

/// The one expression of a select list.
fn single(select: &Select) -> Option<&Expr> {
    match select.projection.as_slice() {
        [ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. }] => {
            Some(expr)
        }
        _ => None,
    }
}

/// A value that stands in the statement.
fn literal(expr: &Expr) -> Option<&ast::Value> {
    match expr {
        Expr::Value(value) => Some(&value.value),
        Expr::Nested(inner) => literal(inner),
        _ => None,
    }
}

/// A whole number that stands in the statement, its sign with it.
fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::UnaryOp {
            op: ast::UnaryOperator::Minus,
            expr,
        } => integer(expr)?.checked_neg(),
        _ => match literal(expr)? {
            ast::Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
    }
}

fn string(expr: &Expr) -> Option<&str> {
    match literal(expr)? {
        ast::Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
}

fn parameter(expr: &Expr) -> Option<&str> {
    match literal(expr)? {
        ast::Value::Placeholder(name) => Some(name),
        _ => None,
    }
}

/// Whether two values differ whatever the column's rules for comparing are.
fn surely_differ(a: &Expr, b: &Expr) -> bool {
    match (integer(a).zip(integer(b)), string(a).zip(string(b))) {
        (Some((a, b)), _) => a != b,
        (_, Some((a, b))) => {
            let plain = |text: &str| text.is_ascii() && text.trim() == text && !text.is_empty();
            plain(a) && plain(b) && !a.eq_ignore_ascii_case(b)
        }
        _ => false,
    }
}

/// The comparison from the other side.
fn turned(op: &ast::BinaryOperator) -> Option<ast::BinaryOperator> {
    use ast::BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    Some(match op {
        Eq => Eq,
        NotEq => NotEq,
        Lt => Gt,
        LtEq => GtEq,
        Gt => Lt,
        GtEq => LtEq,
        _ => return None,
    })
}

/// The arguments of a call of this function without anything peculiar.
fn call<'e>(expr: &'e Expr, names: &[&str]) -> Option<Vec<&'e Expr>> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let name = function.name.to_string().to_lowercase();
    let ast::FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let usual = list.duplicate_treatment.is_none()
        && list.clauses.is_empty()
        && function.filter.is_none()
        && function.over.is_none()
        && function.within_group.is_empty();
    if !usual || !names.contains(&name.as_str()) {
        return None;
    }
    list.args
        .iter()
        .map(|argument| match argument {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect()
}
