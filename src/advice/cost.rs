//! What an index costs: its size, and what every write pays for it. Formulas, and called so.

use super::candidate::Candidate;
use super::uses::Key;
use crate::catalog::{Column, Table};

/// An entry's header, its pointer and the free space of a page, in bytes for each row.
const OVERHEAD: i64 = 16;
/// What a row takes in a list of rows with the same key.
const POINTER: f64 = 6.5;
/// What the parts of a value take in an inverted index, in widths of the value.
const WITHIN: f64 = 1.2;
/// The least that an index takes.
const PAGES: u64 = 16_384;
/// Pages are left a tenth empty.
const FILL: f64 = 0.9;

/// Bytes that each row adds to an index on these columns.
pub fn bytes_per_row<S: AsRef<str>>(table: &Table, columns: &[S]) -> i64 {
    let keys: i64 = columns
        .iter()
        .filter_map(|name| table.column(name.as_ref()))
        .map(width)
        .sum();
    keys + OVERHEAD
}

pub fn size_bytes<S: AsRef<str>>(table: &Table, columns: &[S]) -> Option<i64> {
    let rows = table.rows.filter(|rows| *rows > 0)?;
    Some((rows as f64 * bytes_per_row(table, columns) as f64 / FILL) as i64)
}

/// How large a candidate would be: equal keys are kept once where there are few of them.
pub fn candidate_bytes(candidate: &Candidate<'_>) -> u64 {
    let table = candidate.table;
    let rows = table.rows.unwrap_or(0).max(0) as f64 * candidate.partial_share;
    if !candidate.method.is_empty() {
        let width: i64 = candidate
            .keys
            .iter()
            .map(|key| key.key.column().map_or(40, |name| width_of(table, name)))
            .sum();
        return (rows * width as f64 * WITHIN) as u64 + PAGES;
    }
    let mut width = 0;
    let mut distinct = 1.0_f64;
    for key in &candidate.keys {
        match &key.key {
            Key::Column(name) => {
                width += width_of(table, name);
                let known = table.column(name).and_then(|column| column.distinct);
                distinct *= known.unwrap_or(f64::MAX.sqrt()).max(1.0);
            }
            Key::Expression(_) => {
                width += 16;
                distinct = f64::MAX;
            }
        }
    }
    let carried: i64 = candidate
        .include
        .iter()
        .map(|name| width_of(table, name))
        .sum();
    let shares = candidate.include.is_empty() && rows / distinct.min(rows.max(1.0)) > 8.0;
    let row = if shares {
        POINTER
    } else {
        // Values are aligned to eight bytes.
        ((width + carried + 7) / 8 * 8 + OVERHEAD - 4) as f64
    };
    (rows * row / FILL) as u64 + PAGES
}

/// How much more an INSERT writes: one more structure beside the table and its indexes.
pub fn write_factor(table: &Table) -> f64 {
    let structures = 1 + table.indexes.len();
    (structures + 1) as f64 / structures as f64
}

/// Mean stored width of a column; something for one that is not known.
pub fn width_of(table: &Table, name: &str) -> i64 {
    table.column(name).map_or(8, width)
}

/// Mean stored width: from statistics, else what the type suggests.
fn width(column: &Column) -> i64 {
    if let Some(width) = column.width {
        return width;
    }
    let kind = column.data_type.to_lowercase();
    let declared = kind
        .split_once('(')
        .and_then(|(_, rest)| rest.split([')', ',']).next())
        .and_then(|length| length.trim().parse::<i64>().ok());
    if kind.contains("bigint")
        || kind.contains("double")
        || kind.contains("timestamp")
        || kind.contains("datetime")
    {
        8
    } else if kind.contains("smallint") {
        2
    } else if kind.contains("bool") || kind.contains("tinyint") {
        1
    } else if kind.contains("uuid") {
        16
    } else if kind.contains("char") || kind.contains("text") {
        declared.map_or(20, |length| (length / 2).clamp(1, 60))
    } else {
        4
    }
}
