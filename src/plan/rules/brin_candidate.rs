//! A huge table whose rows lie in the order of a column, of which ranges are read.

use super::{Rule, Subject};
use crate::answer::{bytes, count};
use crate::finding::{Finding, Severity, Source};
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "brin-candidate",
    check,
};

const ROWS: i64 = 10_000_000;
const CORRELATION: f64 = 0.95;
/// A BRIN entry of some tens of bytes stands for 128 pages.
const PER_ENTRY: i64 = 40;
const PAGES_PER_ENTRY: i64 = 128 * 8192;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in subject.query.tables() {
        let Some(rows) = table.rows.filter(|rows| *rows >= ROWS) else {
            continue;
        };
        let ranges = subject
            .predicates(table)
            .filter(|predicate| predicate.kind == PredicateKind::Range);
        for predicate in ranges {
            let name = predicate.column.column;
            let ordered = table.column(name).and_then(|column| column.correlation);
            if ordered.is_none_or(|ordered| ordered.abs() < CORRELATION)
                || table.indexes.iter().any(|index| index.leads_with(&[name]))
            {
                continue;
            }
            let width: i64 = table
                .columns
                .iter()
                .map(|column| column.width.unwrap_or(8))
                .sum();
            let size = rows / (PAGES_PER_ENTRY / (width + 28)).max(1) * PER_ENTRY;
            findings.push(
                Finding::new(RULE.id, Severity::Low, "its rows lie in the order of this column: a tiny BRIN index can leave most pages out")
                    .object(format!("{}.{name}", table.qualified()))
                    .evidence("rows", count(rows), "", Source::Measured)
                    .evidence("order on disk", format!("{:.2}", ordered.unwrap_or(0.0)), "correlation", Source::Measured)
                    .evidence("size", bytes(size.max(24_576)), "", Source::Formula)
                    .remedy("cheap to write; a B-tree is faster for few rows")
                    .sql(format!("CREATE INDEX CONCURRENTLY ON {} USING brin ({name})", table.qualified()))
                    .catalogued(&["PG-BRIN-CANDIDATE"]),
            );
        }
    }
    findings.dedup();
    findings
}
