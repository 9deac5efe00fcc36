//! What a statement that names no column of its tables may have meant.

use std::fmt::Write as _;

use crate::answer::excerpt;
use crate::error::Error;
use crate::query::Query;

/// A column that does not exist: which one was meant, and which there are.
pub(super) fn with_columns(error: Error, query: &Query<'_>) -> Error {
    let Error::Database { message, code } = error else {
        return error;
    };
    if !matches!(code.as_str(), "42703" | "1054" | "1") {
        return Error::Database { message, code };
    }
    let lower = message.to_lowercase();
    let name = if let Some((_, name)) = lower.split_once("no such column: ") {
        name
    } else if let Some((_, rest)) = lower.split_once("column ") {
        rest.split(" does not")
            .next()
            .unwrap_or(rest)
            .split(" in ")
            .next()
            .unwrap_or(rest)
    } else {
        return Error::Database { message, code };
    };
    let name = name
        .trim_matches(['"', '\'', '`'])
        .rsplit('.')
        .next()
        .unwrap_or(name)
        .to_owned();
    let tables = query.tables();
    let columns = tables
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| column.name.as_str()));
    let mut message = message;
    if let Some(near) = crate::catalog::nearest(&name, columns) {
        let _ = write!(message, ". Did you mean {near}?");
    }
    for table in tables.iter().take(3) {
        let names: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let _ = write!(
            message,
            " Columns of {}: {}.",
            table.name,
            excerpt(&names.join(", "), 300)
        );
    }
    Error::Database {
        message: message.trim_end_matches('.').to_owned(),
        code,
    }
}
