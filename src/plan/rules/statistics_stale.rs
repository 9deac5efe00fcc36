//! Many rows changed since the statistics were gathered.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "statistics-stale",
    check,
};

const SHARE: f64 = 0.1;
const ROWS: i64 = 500;
/// A small table is read whole, whatever is known of it.
const LARGE: i64 = 10_000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let tables = subject.query.tables().into_iter();
    tables
        .filter_map(|table| {
            let (changed, rows) = (table.changed_rows?, table.rows?);
            (changed >= ROWS && rows >= LARGE && changed as f64 >= rows.max(1) as f64 * SHARE)
                .then_some((table, changed, rows))
        })
        .map(|(table, changed, rows)| {
            let never = changed >= rows;
            Finding::new(
                RULE.id,
                if never {
                    Severity::Medium
                } else {
                    Severity::High
                },
                if never {
                    "the planner's statistics were never gathered since its rows came"
                } else {
                    "many of its rows changed since the planner's statistics were gathered"
                },
            )
            .object(table.qualified())
            .evidence("changed", count(changed), "rows", Source::Measured)
            .evidence("rows", count(rows), "", Source::Measured)
            .effect("the plan, and the advice below, stand on what the table was")
            .remedy("gather them anew, then explain the query again")
            .sql(format!("ANALYZE {}", table.qualified()))
            .catalogued(&["PG-STALE-STATS", "LT-NOSTAT"])
        })
        .collect()
}
