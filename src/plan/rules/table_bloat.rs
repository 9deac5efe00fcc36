//! A table takes far more pages than its rows need.

use super::{Rule, Subject};
use crate::answer::bytes;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "table-bloat",
    check,
};

const FACTOR: f64 = 2.0;
const LEAST: i64 = 8 * 1024 * 1024;
/// A row's header and its pointer.
const OVERHEAD: i64 = 28;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let tables = subject.query.tables().into_iter();
    tables
        .filter_map(|table| {
            let (size, rows) = (table.heap_bytes.filter(|size| *size >= LEAST)?, table.rows?);
            // Only where the width of every column is known can it be said.
            let width: i64 = table.columns.iter().map(|column| column.width).sum::<Option<i64>>()?;
            let needed = (rows * (width + OVERHEAD)).max(1);
            (size as f64 >= needed as f64 * FACTOR).then_some((table, size, needed))
        })
        .map(|(table, size, needed)| {
            Finding::new(RULE.id, Severity::Medium, "it takes far more space than its rows need: scans read pages that hold little")
                .object(table.qualified())
                .evidence("size", bytes(size), "", Source::Measured)
                .evidence("needed", bytes(needed), "", Source::Formula)
                .remedy("VACUUM keeps it from growing; pg_repack or VACUUM FULL (which locks everybody out) makes it smaller; look for old transactions that hold dead rows back")
                .sql(format!("VACUUM (VERBOSE, ANALYZE) {}", table.qualified()))
                .catalogued(&["PG-BLOAT"])
        })
        .collect()
}
