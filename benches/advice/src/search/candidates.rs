//! Every index that might help: the ordered choices of one to three of the columns that a query names, and the same
//! ones with the rest of them included.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::engine::Engine;
use crate::query::Query;

const MOST_KEYS: usize = 3;
/// With more columns than this in play, only pairs are tried.
const MANY: usize = 8;

pub fn by_table(engine: &mut dyn Engine, query: &Query) -> Result<BTreeMap<String, Vec<String>>> {
    let words: BTreeSet<&str> = query
        .sql
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let mut found = BTreeMap::new();
    for table in query
        .dataset
        .tables()
        .iter()
        .filter(|table| words.contains(*table))
    {
        let used: Vec<String> = engine
            .columns(table)?
            .into_iter()
            .filter(|column| words.contains(column.as_str()))
            .collect();
        found.insert((*table).to_owned(), of(table, &used));
    }
    Ok(found)
}

fn of(table: &str, used: &[String]) -> Vec<String> {
    let most = if used.len() > MANY { 2 } else { MOST_KEYS };
    let mut indexes = Vec::new();
    let mut keys: Vec<Vec<&str>> = vec![Vec::new()];
    for _ in 0..most {
        keys = keys
            .iter()
            .flat_map(|before| {
                used.iter()
                    .filter(|column| !before.contains(&column.as_str()))
                    .map(|column| {
                        let mut longer = before.clone();
                        longer.push(column);
                        longer
                    })
            })
            .collect();
        for key in &keys {
            let rest: Vec<&str> = used
                .iter()
                .map(String::as_str)
                .filter(|column| !key.contains(column))
                .collect();
            let key = key.join(", ");
            indexes.push(format!("{table} ({key})"));
            if !rest.is_empty() {
                indexes.push(format!("{table} ({key}) INCLUDE ({})", rest.join(", ")));
            }
        }
    }
    indexes
}
