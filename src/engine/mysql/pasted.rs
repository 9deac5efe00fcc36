//! Plans as text: the tree of iterators, and the old table. Each becomes the JSON that tells the same.

mod table;
mod tree;

use serde_json::Value;

use crate::error::{Error, Result};

pub(in crate::engine) fn read(lines: &[String]) -> Result<Value> {
    if lines.iter().any(|line| line.contains("select_type")) {
        return table::read(lines);
    }
    if lines
        .iter()
        .any(|line| line.trim_start().starts_with("-> "))
    {
        return tree::read(lines);
    }
    Err(Error::unexpected(
        "EXPLAIN",
        "neither a tree nor a table in it",
    ))
}
