//! How large a statement can become while it is planned. Planners put a subquery's expressions in the place of
//! their names, and compute what is constant: a short text can ask for all the memory there is.

use std::collections::BTreeMap;
use std::ops::{AddAssign, ControlFlow};

use sqlparser::ast::{
    self, Distinct, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator,
    SetQuantifier, TableAlias, TableFactor, TableWithJoins, Value, Visit, Visitor,
};

use super::Dialect;
use crate::error::{Error, Result};

/// So many names may stand in a statement after every subquery was put in its place.
const MOST_NAMES: u64 = 400_000;

/// So many bytes may its constants have once its functions were computed.
const MOST_BYTES: u64 = 10_000_000;

/// Functions whose result is as large, or takes as long, as a number says, and which argument that is.
const SIZED: &str = include_str!("functions/sized.txt");

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

/// What a part stands for, once each subquery stands in the place of its name.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    names: u64,
    /// What it can take to compute it, as far as the statement says.
    bytes: u64,
    /// Whether it is no more than a name of a table's column.
    plain: bool,
}

impl Weight {
    const COLUMN: Self = Self {
        names: 1,
        bytes: 1,
        plain: true,
    };

    fn times(self, factor: u64) -> Self {
        Self {
            bytes: self.bytes.saturating_mul(factor),
            ..self
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            names: self.names.max(other.names),
            bytes: self.bytes.max(other.bytes),
            plain: self.plain && other.plain,
        }
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.names = self.names.saturating_add(other.names);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.plain = false;
    }
}

/// The columns of a table in FROM.
#[derive(Debug, Clone)]
struct Columns {
    named: Vec<(String, Weight)>,
    /// What each other column stands for: nothing tells their names, or how many there are.
    others: Option<Weight>,
}

impl Columns {
    const OF_A_TABLE: Self = Self {
        named: Vec::new(),
        others: Some(Weight::COLUMN),
    };

    fn get(&self, name: &str) -> Option<Weight> {
        let named = self.named.iter().filter(|(column, _)| column == name);
        named
            .map(|(_, weight)| *weight)
            .reduce(Weight::max)
            .or(self.others)
    }

    fn all(&self) -> impl Iterator<Item = Weight> {
        self.named
            .iter()
            .map(|(_, weight)| *weight)
            .chain(self.others)
    }

    /// The names that an alias gives its columns, as in `AS t (a, b)`.
    fn renamed(mut self, alias: &TableAlias) -> Self {
        if alias.columns.is_empty() {
            return self;
        }
        if self.others.is_some() {
            let widest = self.all().reduce(Weight::max);
            return Self {
                named: Vec::new(),
                others: widest,
            };
        }
        for ((name, _), new) in self.named.iter_mut().zip(&alias.columns) {
            *name = new.name.value.to_lowercase();
        }
        self
    }

    /// The columns of a result that no planner takes apart: names begin anew, sizes that were asked for stay.
    fn computed_first(mut self) -> Self {
        for (_, weight) in &mut self.named {
            *weight = Weight {
                names: 1,
                bytes: weight.bytes.div_ceil(weight.names.max(1)),
                plain: false,
            };
        }
        self
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
            sum: Weight::default(),
            count: 0,
        };
        let _ = part.visit(&mut sum);
        let Sum {
            mut sum,
            count: leaves,
            ..
        } = sum;
        sum.plain &= leaves == 1;
        self.total += sum;
        sum
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

    /// By how much a function can lengthen what it is given.
    fn factor_of(&mut self, name: &str, arguments: &[FunctionArg]) -> u64 {
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

    fn refuse(&mut self, name: &str) {
        self.unbounded.get_or_insert_with(|| name.to_owned());
    }
}

/// The wider one, where there may be none.
fn wider(one: Option<Weight>, other: Option<Weight>) -> Option<Weight> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

/// Gathers the tables that a statement itself names, outside of its queries.
struct Tables<'a> {
    growth: &'a mut Growth,
    scope: Vec<(String, Columns)>,
    depth: usize,
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
struct Sum<'a> {
    growth: &'a mut Growth,
    depth: usize,
    /// Of the functions around: the product so far, each.
    factors: Vec<u64>,
    sum: Weight,
    count: u64,
}

impl Sum<'_> {
    fn add(&mut self, weight: Weight) {
        let plain = self.count == 0 && weight.plain && self.factors.is_empty();
        self.sum += weight.times(self.factors.last().copied().unwrap_or(1));
        self.sum.plain = plain;
        self.count += 1;
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
        if self.sum.bytes.saturating_add(self.growth.total.bytes) > MOST_BYTES {
            self.growth.refuse(name);
        }
    }

    fn leave(&mut self, name: &str) {
        if self.sum.bytes.saturating_add(self.growth.total.bytes) > MOST_BYTES {
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

fn arguments(function: &Function) -> &[FunctionArg] {
    match &function.args {
        FunctionArguments::List(list) => &list.args,
        _ => &[],
    }
}

fn function_in_from(factor: &TableFactor) -> Option<(String, &[FunctionArg])> {
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
    fn only_what_is_repeated_is_multiplied() {
        // Each step names three columns of the step before in a new one, and passes the others on.
        let mut steps = vec!["s0 AS (SELECT id, total, status FROM orders)".to_owned()];
        for step in 1..30 {
            steps.push(format!(
                "s{step} AS (SELECT s.*, CASE WHEN s.total > {step} AND s.status = 'paid' THEN s.total ELSE 0 END AS c{step} FROM s{} AS s)",
                step - 1
            ));
        }
        assert!(passes(&format!(
            "WITH {} SELECT * FROM s29",
            steps.join(", ")
        )));
        // A grouped step is computed for itself.
        let grouped: Vec<String> = (1..30)
            .map(|step| {
                format!(
                    "g{step} AS (SELECT id, sum(n) + sum(n) AS n FROM g{} GROUP BY id)",
                    step - 1
                )
            })
            .collect();
        assert!(passes(&format!(
            "WITH g0 AS (SELECT id, total AS n FROM orders), {} SELECT * FROM g29",
            grouped.join(", ")
        )));
        let mut quoted = "'it''s'".to_owned();
        for _ in 0..4 {
            quoted = format!("quote_literal({quoted})");
        }
        assert!(passes(&format!("SELECT {quoted}")));
        for _ in 0..24 {
            quoted = format!("quote_literal({quoted})");
        }
        assert!(!passes(&format!("SELECT {quoted}")));
    }

    #[test]
    fn a_size_is_a_small_number() {
        assert!(passes("SELECT repeat('-', 40)"));
        assert!(passes(
            "SELECT replace(replace(a, '-', ''), ' ', '') FROM t"
        ));
        for sql in [
            "SELECT lpad(a, 200) || lpad(b, 300), rpad(c, 4000) || repeat(' ', 4000), replace(d, ' ', '&nbsp;') FROM t",
            "SELECT repeat('x', -1)",
            "SELECT lpad(a, greatest(length(a), 6), '0') FROM t",
            "SELECT crypt('x', gen_salt('bf', 8))",
            "SELECT regexp_replace(regexp_replace(lower(a), '[^a-z]+', '-', 'g'), '^-', '') FROM t",
        ] {
            assert!(passes(sql), "{sql}");
        }
        assert!(passes("SELECT crypt(a, b) FROM t"));
        assert!(passes("SELECT lpad(id::text, 8, '0') FROM orders"));
        for sql in [
            "SELECT repeat('x', 1000000000)",
            "SELECT repeat(repeat('x', 10000), 10000)",
            "SELECT repeat('x', 1000 * 1000 * 1000)",
            "SELECT lpad('x', n) FROM t",
            "SELECT lpad(b, length(b)) FROM (SELECT repeat(a, length(a)) AS b FROM (SELECT repeat('x', 100000) AS a) AS s) AS t",
            "SELECT crypt('x', '$2a$' || '31$abcdefghijklmnopqrstuv')",
            "SELECT crypt('x', s) FROM (SELECT '$2a$' || '31$abcdefghijklmnopqrstuv' AS s) AS t",
            "SELECT crypt('x', gen_salt('bf', 31))",
            "SELECT id FROM t ORDER BY repeat('x', 100000000)",
            "SELECT DISTINCT ON (repeat('x', 100000000)) id FROM t",
            "SELECT sum(id) OVER w FROM t WINDOW w AS (ORDER BY repeat('x', 100000000))",
            "SELECT crypt('x', '$2a$20$abcdefghijklmnopqrstuv')",
            "SELECT replace(replace(replace(replace('a', 'a', b), 'b', a), 'a', b), 'b', a) FROM t",
            "SELECT a @? '$.**.**' FROM t",
        ] {
            assert!(!passes(sql), "{sql}");
        }
    }
}
