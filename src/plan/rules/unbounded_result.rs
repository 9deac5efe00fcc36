//! All rows are sent, however many there are.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "unbounded-result",
    check,
};

const ROWS: f64 = 10_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(root) = subject.plan.root() else {
        return Vec::new();
    };
    let (Some(statement), Some(rows)) = (subject.statement, root.actual_rows) else {
        return Vec::new();
    };
    if rows < ROWS
        || !statement.only_reads()
        || statement.limit().is_some()
        || root.access == Access::Limit
    {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, format!("{} rows come out, and nothing bounds them", count(rows as i64)))
            .evidence("rows", count(rows as i64), "", Source::Measured)
            .remedy("LIMIT with an order and keyset pages; where all are needed, read them through a cursor in batches")
            .keeps(&["O7"])
            .catalogued(&["SQL-NOLIMIT"]),
    ]
}
