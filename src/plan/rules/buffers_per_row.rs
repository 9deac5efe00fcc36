//! Many pages are touched for each row that comes out.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "buffers-per-row",
    check,
};

const PAGES: f64 = 1000.0;
const PER_ROW: f64 = 100.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(root) = subject.plan.root() else {
        return Vec::new();
    };
    let touched = root.details.pages.map_or(0.0, |pages| pages.touched());
    let rows = root.actual_rows.unwrap_or(0.0).max(1.0);
    // One row that sums up many is worth many pages.
    if subject.nodes().any(|node| node.access == Access::Aggregate)
        || touched < PAGES
        || touched / rows < PER_ROW
    {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, format!("{} pages are touched for each row that comes out", count((touched / rows) as i64)))
            .evidence("pages touched", count(touched as i64), "", Source::Measured)
            .evidence("rows", count(rows as i64), "", Source::Measured)
            .remedy("an index that leads straight to the rows; covering, it spares the table's pages as well")
            .keeps(&["O2"])
            .catalogued(&["PG-BUFFERS-HIGH"]),
    ]
}
