//! What an index costs: its size, and what every write pays for it. Formulas, and called so.

use crate::catalog::{Column, Table};

/// An entry's header, its pointer and the free space of a page, in bytes for each row.
const OVERHEAD: i64 = 16;
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

/// How much more an INSERT writes: one more structure beside the table and its indexes.
pub fn write_factor(table: &Table) -> f64 {
    let structures = 1 + table.indexes.len();
    (structures + 1) as f64 / structures as f64
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
