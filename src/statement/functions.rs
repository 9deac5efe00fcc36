//! Which functions a statement may call. Where the server cannot be asked who wrote a function and what it
//! does, the name must stand in a list; the lists are data, one for each dialect.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, TableFactor, Visit, Visitor};

use super::Dialect;
use crate::error::{Error, Result};

const MYSQL: &str = include_str!("functions/mysql.txt");
const SQLITE: &str = include_str!("functions/sqlite.txt");
const SQLITE_PRAGMAS: &str = include_str!("functions/sqlite_pragmas.txt");
const SIZED: &str = include_str!("functions/sized.txt");
const AGGREGATES: &str = include_str!("functions/aggregates.txt");
const UNSTEADY: &str = include_str!("functions/unsteady.txt");

/// Whether a name stands in a sorted list of lower-case names.
pub fn listed(list: &'static str, name: &str) -> bool {
    list.lines().any(|line| line == name)
}

/// `MySQL`'s and `MariaDB`'s own functions that only read.
pub fn is_native_mysql(name: &str) -> bool {
    listed(MYSQL, name) || is_sized(name)
}

/// `SQLite`'s own functions that only read, those that give rows included.
pub fn is_native_sqlite(name: &str) -> bool {
    listed(SQLITE, name)
        || is_sized(name)
        || name
            .strip_prefix("pragma_")
            .is_some_and(|pragma| listed(SQLITE_PRAGMAS, pragma))
}

/// Pragmas that only tell.
pub fn is_reading_pragma(name: &str) -> bool {
    listed(SQLITE_PRAGMAS, name)
}

/// Whether a function, in lower case and with or without its schema, is one over many rows.
pub fn is_aggregate(name: &str) -> bool {
    listed(AGGREGATES, bare(name))
}

/// Whether it gives another value each time.
pub fn is_unsteady(name: &str) -> bool {
    listed(UNSTEADY, bare(name))
}

fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The result's size is in an argument, which was looked at when the statement was parsed.
fn is_sized(name: &str) -> bool {
    SIZED
        .lines()
        .any(|line| line.split_once(' ').is_some_and(|(sized, _)| sized == name))
}

/// Refuses what no list and no server vouches for. The functions of a `PostgreSQL` statement, and stored
/// ones, are looked up on the server before anything is planned.
pub(super) fn check(statement: &ast::Statement, dialect: Dialect) -> Result<()> {
    if dialect != Dialect::Sqlite {
        return Ok(());
    }
    // A virtual table may stand as a function in FROM; what it may do is the library's own guard to say.
    let refused = names(statement).into_iter().find(|name| {
        !is_native_sqlite(&name.text) && (!name.gives_rows || name.text.starts_with("pragma_"))
    });
    match refused {
        None => Ok(()),
        Some(name) => Err(unknown(&name.text)),
    }
}

/// The refusal of a function that is not known to only read.
pub fn unknown(name: &str) -> Error {
    Error::Refused {
        reason: format!(
            "the function {} is not known to only read",
            crate::answer::excerpt(name, 80)
        ),
        instead: "Give a literal in its place: the plan of the rest does not depend on it."
            .to_owned(),
    }
}

/// A function's name, lower case, schema and all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) text: String,
    /// It stands in FROM.
    gives_rows: bool,
}

/// The functions that the statement calls, sorted.
pub(super) fn names(statement: &ast::Statement) -> Vec<Name> {
    struct Names(std::collections::BTreeSet<Name>);
    impl Names {
        fn add(&mut self, name: &ast::ObjectName, gives_rows: bool) {
            let parts: Vec<String> = name
                .0
                .iter()
                .map(|part| {
                    part.as_ident()
                        .map_or_else(|| part.to_string(), |ident| ident.value.clone())
                        .to_lowercase()
                })
                .collect();
            self.0.insert(Name {
                text: parts.join("."),
                gives_rows,
            });
        }
    }
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr {
                self.add(&function.name, false);
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            match factor {
                TableFactor::Table {
                    name,
                    args: Some(_),
                    ..
                }
                | TableFactor::Function { name, .. } => self.add(name, true),
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(std::collections::BTreeSet::new());
    let _ = statement.visit(&mut names);
    names.0.into_iter().collect()
}
