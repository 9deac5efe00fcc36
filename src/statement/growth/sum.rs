//! Walks over a part of a statement.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, TableFactor, Visitor,
};

use super::weight::{Columns, Weight};
use super::{Growth, MOST_BYTES, bare};

/// Gathers the tables that a statement itself names, outside of its queries.
pub(super) struct Tables<'a> {
    pub(super) growth: &'a mut Growth,
    pub(super) scope: Vec<(String, Columns)>,
    pub(super) depth: usize,
}

impl Visitor for Tables<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if self.depth == 0 && matches!(factor, TableFactor::Derived { .. }) {
            self.growth.scopes.push(Vec::new());
            self.growth.factor(factor);
            self.scope
                .extend(self.growth.scopes.pop().unwrap_or_default());
        }
        ControlFlow::Continue(())
    }
}

/// Adds up a part: its names, its literals, what its functions make of them, and what its queries yield.
pub(super) struct Sum<'a> {
    pub(super) growth: &'a mut Growth,
    pub(super) depth: usize,
    /// Of the functions around: the product so far, each.
    pub(super) factors: Vec<u64>,
    pub(super) total: Weight,
    pub(super) leaves: u64,
}

impl Sum<'_> {
    fn add(&mut self, weight: Weight) {
        let plain = self.leaves == 0 && weight.plain && self.factors.is_empty();
        self.total += weight.times(self.factors.last().copied().unwrap_or(1));
        self.total.plain = plain;
        self.leaves += 1;
    }

    fn enter(&mut self, name: &str, arguments: &[FunctionArg]) {
        let factor = self.growth.factor_of(name, arguments);
        let around = self.factors.last().copied().unwrap_or(1);
        self.factors.push(around.saturating_mul(factor));
        if factor > 1 {
            // Of the function itself, should all it is given be empty.
            self.add(Weight {
                names: 0,
                bytes: 1,
                plain: false,
            });
        }
        for argument in arguments {
            if let FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) = argument
                && let Some(row) = name.0.last().and_then(|part| part.as_ident())
            {
                let weight = self.growth.name(std::slice::from_ref(row));
                self.add(weight);
            }
        }
        if self.total.bytes.saturating_add(self.growth.total.bytes) > MOST_BYTES {
            self.growth.refuse(name);
        }
    }

    fn leave(&mut self, name: &str) {
        if self.total.bytes.saturating_add(self.growth.total.bytes) > MOST_BYTES {
            self.growth.refuse(name);
        }
        self.factors.pop();
    }
}

impl Visitor for Sum<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.depth == 0 {
            let columns = self.growth.query(query);
            columns.all().for_each(|weight| self.add(weight));
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::Identifier(name) => self.add(self.growth.name(std::slice::from_ref(name))),
            Expr::CompoundIdentifier(parts) => self.add(self.growth.name(parts)),
            Expr::Value(value) => {
                let text = value.value.clone().into_string();
                self.add(Weight {
                    names: 1,
                    bytes: text.map_or(1, |text| text.len().max(1) as u64),
                    plain: false,
                });
            }
            Expr::Function(function) => self.enter(&bare(&function.name), arguments(function)),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let (0, Expr::Function(function)) = (self.depth, expr) {
            self.leave(&bare(&function.name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let (0, Some((name, arguments))) = (self.depth, function_in_from(factor)) {
            self.enter(&name, arguments);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let (0, Some((name, _))) = (self.depth, function_in_from(factor)) {
            self.leave(&name);
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn arguments(function: &Function) -> &[FunctionArg] {
    match &function.args {
        FunctionArguments::List(list) => &list.args,
        _ => &[],
    }
}

pub(super) fn function_in_from(factor: &TableFactor) -> Option<(String, &[FunctionArg])> {
    match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            ..
        } => Some((bare(name), &args.args)),
        TableFactor::Function { name, args, .. } => Some((bare(name), args)),
        _ => None,
    }
}
