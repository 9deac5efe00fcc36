//! Which kinds of node a statement may be made of. What is not named here is refused: a parser that learns
//! something new opens nothing.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArguments, OptimizerHint, Query, Select, SelectFlavor,
    SetExpr, TableFactor, TableObject, TableVersion, Visit, Visitor,
};

use super::Dialect;
use crate::error::{Error, Result};

/// Hints that choose a plan, and nothing else.
/// <https://dev.mysql.com/doc/refman/8.4/en/optimizer-hints.html>
const HINTS: &[&str] = &[
    "BKA",
    "BNL",
    "DERIVED_CONDITION_PUSHDOWN",
    "GROUP_INDEX",
    "HASH_JOIN",
    "INDEX",
    "INDEX_MERGE",
    "JOIN_FIXED_ORDER",
    "JOIN_INDEX",
    "JOIN_ORDER",
    "JOIN_PREFIX",
    "JOIN_SUFFIX",
    "MERGE",
    "MRR",
    "NO_BKA",
    "NO_BNL",
    "NO_DERIVED_CONDITION_PUSHDOWN",
    "NO_GROUP_INDEX",
    "NO_HASH_JOIN",
    "NO_ICP",
    "NO_INDEX",
    "NO_INDEX_MERGE",
    "NO_JOIN_INDEX",
    "NO_MERGE",
    "NO_MRR",
    "NO_ORDER_INDEX",
    "NO_RANGE_OPTIMIZATION",
    "NO_SEMIJOIN",
    "NO_SKIP_SCAN",
    "ORDER_INDEX",
    "QB_NAME",
    "SEMIJOIN",
    "SKIP_SCAN",
    "SUBQUERY",
];

/// Refuses a statement that holds a node of another kind.
pub(super) fn check(statement: &ast::Statement, dialect: Dialect) -> Result<()> {
    let mut kinds = Kinds { dialect };
    match statement.visit(&mut kinds) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Kinds {
    dialect: Dialect,
}

fn refuse(what: &str, instead: &str) -> ControlFlow<Error> {
    ControlFlow::Break(Error::Refused {
        reason: what.to_owned(),
        instead: instead.to_owned(),
    })
}

const PLAIN: &str = "Write it in the engine's plain SQL.";

/// Goes on when nothing of another dialect is there.
fn only(allowed: bool, what: &str) -> ControlFlow<Error> {
    if allowed {
        ControlFlow::Continue(())
    } else {
        refuse(&format!("{what} is not a part of a query here"), PLAIN)
    }
}

impl Kinds {
    fn hints(&self, hints: &[OptimizerHint]) -> ControlFlow<Error> {
        for hint in hints {
            if self.dialect != Dialect::MySql {
                return refuse(
                    "a hint in a comment is not passed on",
                    "Leave it out to see the plan without it.",
                );
            }
            if let Some(name) = unknown_hint(&hint.text) {
                return refuse(
                    &format!(
                        "the hint {} does more than choose a plan",
                        crate::answer::excerpt(&name, 40)
                    ),
                    "Leave it out: the plan does not depend on it.",
                );
            }
        }
        ControlFlow::Continue(())
    }
}

/// The first word before a bracket that is no known hint.
fn unknown_hint(text: &str) -> Option<String> {
    let mut depth = 0_u32;
    let mut word = String::new();
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ if character.is_alphanumeric() || character == '_' => {
                word.push(character.to_ascii_uppercase());
                continue;
            }
            _ if character.is_whitespace() => {}
            _ => return Some(character.to_string()),
        }
        if !word.is_empty() && (depth > 0 || character.is_whitespace()) {
            if HINTS.binary_search(&word.as_str()).is_err() {
                return Some(word);
            }
            word.clear();
        }
    }
    (!word.is_empty() && HINTS.binary_search(&word.as_str()).is_err()).then_some(word)
}

impl Visitor for Kinds {
    type Break = Error;

    fn pre_visit_statement(&mut self, statement: &ast::Statement) -> ControlFlow<Error> {
        match statement {
            ast::Statement::Query(_) => ControlFlow::Continue(()),
            ast::Statement::Insert(insert) => {
                only(!insert.overwrite, "OVERWRITE")?;
                only(
                    insert.settings.is_none() && insert.format_clause.is_none(),
                    "SETTINGS or FORMAT",
                )?;
                only(insert.output.is_none(), "OUTPUT")?;
                only(
                    insert.multi_table_insert_type.is_none()
                        && insert.multi_table_into_clauses.is_empty(),
                    "INSERT into several tables",
                )?;
                only(
                    matches!(insert.table, TableObject::TableName(_)),
                    "INSERT into a function or a query",
                )?;
                self.hints(&insert.optimizer_hints)
            }
            ast::Statement::Update(update) => {
                only(update.output.is_none(), "OUTPUT")?;
                self.hints(&update.optimizer_hints)
            }
            ast::Statement::Delete(delete) => {
                only(delete.output.is_none(), "OUTPUT")?;
                self.hints(&delete.optimizer_hints)
            }
            other => refuse(
                &format!(
                    "{} is not passed on",
                    super::first_words(&other.to_string())
                ),
                "explain_query takes one SELECT, INSERT, UPDATE or DELETE; propose_migration takes DDL.",
            ),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        only(query.for_clause.is_none(), "FOR XML or FOR JSON")?;
        only(
            query.settings.is_none() && query.format_clause.is_none(),
            "SETTINGS or FORMAT",
        )?;
        only(query.pipe_operators.is_empty(), "|>")?;
        match *query.body {
            SetExpr::Select(_)
            | SetExpr::Query(_)
            | SetExpr::SetOperation { .. }
            | SetExpr::Values(_)
            | SetExpr::Table(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_) => ControlFlow::Continue(()),
            SetExpr::Merge(_) => {
                refuse("MERGE is not passed on", "Give its USING part as a SELECT.")
            }
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        if select.into.is_some() {
            return refuse(
                "SELECT … INTO writes",
                "Leave the INTO out to see how the query is run.",
            );
        }
        only(select.top.is_none(), "TOP")?;
        only(select.exclude.is_none(), "EXCLUDE")?;
        only(select.lateral_views.is_empty(), "LATERAL VIEW")?;
        only(select.prewhere.is_none(), "PREWHERE")?;
        only(select.connect_by.is_empty(), "CONNECT BY")?;
        only(
            select.cluster_by.is_empty()
                && select.distribute_by.is_empty()
                && select.sort_by.is_empty(),
            "CLUSTER BY, DISTRIBUTE BY or SORT BY",
        )?;
        only(select.qualify.is_none(), "QUALIFY")?;
        only(select.value_table_mode.is_none(), "SELECT AS")?;
        only(
            matches!(select.flavor, SelectFlavor::Standard),
            "FROM before SELECT",
        )?;
        self.hints(&select.optimizer_hints)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Table {
                args,
                with_hints,
                version,
                json_path,
                ..
            } => {
                only(
                    args.as_ref().is_none_or(|args| args.settings.is_none()),
                    "SETTINGS",
                )?;
                only(with_hints.is_empty(), "WITH (…) after a table")?;
                only(json_path.is_none(), "a path after a table")?;
                only(
                    version.as_ref().is_none_or(|version| {
                        {
                            matches!(version, TableVersion::ForSystemTimeAsOf(_))
                                || self.dialect == Dialect::Sqlite
                                    && super::quirks::is_index_choice(version)
                        }
                    }),
                    "this way of asking for an old version of a table",
                )
            }
            TableFactor::Derived { .. }
            | TableFactor::Function { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::JsonTable { .. }
            | TableFactor::XmlTable { .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            other => refuse(
                &format!(
                    "{} in FROM is not passed on",
                    crate::answer::excerpt(&other.to_string(), 40)
                ),
                PLAIN,
            ),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::CompoundFieldAccess { .. }
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::IsJson { .. }
            | Expr::IsNormalized { .. }
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::InUnnest { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
            | Expr::RLike { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Convert { .. }
            | Expr::Cast { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Collate { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::Prefixed { .. }
            | Expr::TypedString(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Tuple(_)
            | Expr::Array(_)
            | Expr::Interval(_)
            | Expr::MatchAgainst { .. }
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
            | Expr::MemberOf(_) => ControlFlow::Continue(()),
            Expr::BinaryOp { op, .. } => {
                if matches!(op, BinaryOperator::Assignment) {
                    return refuse(
                        "an assignment to a variable changes the session",
                        "Give the value in its place.",
                    );
                }
                ControlFlow::Continue(())
            }
            Expr::Function(function) => {
                only(!function.uses_odbc_syntax, "{fn …}")?;
                only(
                    matches!(function.parameters, FunctionArguments::None),
                    "a second list of arguments",
                )
            }
            other => refuse(
                &format!(
                    "\"{}\" is not passed on",
                    crate::answer::excerpt(&other.to_string(), 40)
                ),
                PLAIN,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_choose_a_plan_or_are_refused() {
        assert!(HINTS.is_sorted());
        assert_eq!(unknown_hint(" NO_INDEX(t i) JOIN_ORDER(a, b) "), None);
        assert_eq!(unknown_hint("JOIN_FIXED_ORDER()"), None);
        assert_eq!(
            unknown_hint("NO_INDEX(t) set_var(a=1)").as_deref(),
            Some("SET_VAR")
        );
        assert_eq!(
            unknown_hint("MAX_EXECUTION_TIME (60000)").as_deref(),
            Some("MAX_EXECUTION_TIME")
        );
        assert_eq!(unknown_hint("SET_VAR").as_deref(), Some("SET_VAR"));
    }
}
