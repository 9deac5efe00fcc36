//! One SELECT: what it puts out, groups by and sorts by.

use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Value,
};

use super::{Output, Resolver, Scope, Source};
use crate::advice::uses::Key;

impl Resolver<'_> {
    pub(super) fn select(&mut self, select: &Select, around: Option<&Query>) -> Vec<Output> {
        let first = self.uses.len();
        self.scopes.push(Scope::default());
        for table in &select.from {
            self.table(table);
        }
        let mut outputs = Vec::new();
        for item in &select.projection {
            self.item(item, &mut outputs);
        }
        if let Some(selection) = &select.selection {
            self.condition(selection);
        }
        self.mention(&select.having);
        self.mention(&select.named_window);
        self.mention(&select.distinct);
        self.grouped(select);
        if let Some(query) = around {
            self.ordered(query, select, first);
        }
        self.scopes.pop();
        outputs
    }

    fn item(&mut self, item: &SelectItem, outputs: &mut Vec<Output>) {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = match expr {
                    Expr::Identifier(name) => name.value.to_lowercase(),
                    Expr::CompoundIdentifier(parts) => parts
                        .last()
                        .map(|name| name.value.to_lowercase())
                        .unwrap_or_default(),
                    _ => String::new(),
                };
                self.output(name, expr, outputs);
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                self.output(alias.value.to_lowercase(), expr, outputs);
            }
            SelectItem::Wildcard(_) => self.star(None, outputs),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let last = name.0.last().and_then(|part| part.as_ident());
                self.star(last.map(|name| name.value.as_str()), outputs);
            }
            SelectItem::ExprWithAliases { expr, .. } => self.mention(expr),
            SelectItem::QualifiedWildcard(..) => {}
        }
    }

    fn output(&mut self, name: String, expr: &Expr, outputs: &mut Vec<Output>) {
        let place = self.place(expr);
        // A plain column of a query within another is needed only if that one names it.
        if place.is_none() || self.depth == 0 {
            self.mention(expr);
        }
        self.extreme(expr);
        outputs.push(Output { name, place });
    }

    /// All columns of one source, or of all of them.
    fn star(&mut self, of: Option<&str>, outputs: &mut Vec<Output>) {
        let Some(scope) = self.scopes.last() else {
            return;
        };
        for (alias, source) in &scope.sources {
            if of.is_some_and(|of| !of.eq_ignore_ascii_case(alias)) {
                continue;
            }
            match source {
                Source::Table(id) => {
                    let Some(used) = self.uses.get_mut(*id) else {
                        continue;
                    };
                    used.whole_row |= self.depth == 0;
                    for column in &used.table.columns {
                        outputs.push(Output {
                            name: column.name.to_lowercase(),
                            place: Some((*id, column.name.clone())),
                        });
                    }
                }
                Source::Derived(columns) => outputs.extend(columns.iter().cloned()),
            }
        }
        if self.depth == 0 {
            let places: Vec<_> = outputs
                .iter()
                .filter_map(|output| output.place.clone())
                .collect();
            for place in &places {
                self.need(place);
            }
        }
    }

    /// `min(x)` or `max(x)` and nothing else.
    fn extreme(&mut self, expr: &Expr) {
        let Expr::Function(function) = expr else {
            return;
        };
        let name = function.name.to_string().to_lowercase();
        let ast::FunctionArguments::List(list) = &function.args else {
            return;
        };
        if let ("min" | "max", None, [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(of))]) =
            (name.as_str(), &function.over, list.args.as_slice())
            && let Some((id, column)) = self.place(of)
            && let Some(used) = self.uses.get_mut(id)
            && !used.extremes.contains(&column)
        {
            used.extremes.push(column);
        }
    }

    fn grouped(&mut self, select: &Select) {
        let mut keys = Vec::new();
        if let GroupByExpr::Expressions(by, _) = &select.group_by {
            self.mention(&select.group_by);
            for expr in by {
                keys.push(self.output_key(expr, select));
            }
        }
        if keys.is_empty() && matches!(select.distinct, Some(Distinct::Distinct)) {
            for item in &select.projection {
                if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
                {
                    keys.push(self.key(expr));
                }
            }
        }
        let keys: Option<Vec<(usize, Key)>> = keys.into_iter().collect();
        let Some(keys) = keys else { return };
        let of = keys.first().map(|(id, _)| *id);
        if keys.iter().all(|(id, _)| Some(*id) == of)
            && let Some(used) = of.and_then(|id| self.uses.get_mut(id))
        {
            used.group = keys.into_iter().map(|(_, key)| key).collect();
        }
    }

    fn ordered(&mut self, query: &Query, select: &Select, first: usize) {
        let limited = query.limit_clause.is_some() || query.fetch.is_some();
        for used in self.uses.iter_mut().skip(first) {
            used.limited |= limited;
        }
        let Some(order) = &query.order_by else { return };
        self.mention(order);
        let OrderByKind::Expressions(by) = &order.kind else {
            return;
        };
        let keys: Option<Vec<((usize, Key), bool)>> = by
            .iter()
            .map(|key| {
                let found = self.output_key(&key.expr, select)?;
                let descends = matches!(key.options.sort, Some(ast::OrderBySort::Desc));
                Some((found, descends))
            })
            .collect();
        let Some(keys) = keys else { return };
        let of = keys.first().map(|((id, _), _)| *id);
        if keys.iter().all(|((id, _), _)| Some(*id) == of)
            && let Some(used) = of.and_then(|id| self.uses.get_mut(id))
        {
            used.order = keys
                .into_iter()
                .map(|((_, key), descending)| (key, descending))
                .collect();
        }
    }

    /// A key of ORDER BY or GROUP BY: a position, the name of an output column, or an expression.
    fn output_key(&mut self, expr: &Expr, select: &Select) -> Option<(usize, Key)> {
        let of_item = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                Some(expr.clone())
            }
            _ => None,
        };
        if let Expr::Value(value) = expr
            && let Value::Number(text, _) = &value.value
        {
            let at = text.parse::<usize>().ok()?.checked_sub(1)?;
            let item = select.projection.get(at).and_then(of_item)?;
            return self.key(&item);
        }
        if let Expr::Identifier(name) = expr {
            let called = select.projection.iter().find(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } => {
                    alias.value.eq_ignore_ascii_case(&name.value)
                }
                _ => false,
            });
            if let Some(item) = called.and_then(of_item) {
                return self.key(&item);
            }
        }
        self.key(expr)
    }
}
