//! Views as the queries that they stand for.

use sqlparser::ast::{Query, Statement};

use crate::statement::{Dialect, parse_one};

/// The query that a view stands for, from its definition: with or without CREATE VIEW before it.
pub(super) fn query(definition: &str, dialect: Dialect) -> Option<Box<Query>> {
    match parse_one(definition, dialect).ok()? {
        Statement::Query(query) => Some(query),
        Statement::CreateView(view) => Some(view.query),
        _ => None,
    }
}
