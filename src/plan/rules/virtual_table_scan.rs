//! A virtual table that is read whole: it was not told what is looked for.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity};

pub(super) const RULE: Rule = Rule {
    id: "virtual-table-scan",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let scans = subject.nodes().filter(|node| node.details.virtual_scan);
    scans
        .map(|node| {
            Finding::new(RULE.id, Severity::Medium, "the virtual table is read whole, and filtered afterwards")
                .object(subject.object(node))
                .remedy("ask it in its own words (MATCH on FTS5, the coordinates of R*Tree, the hidden columns of a table-valued function)")
                .catalogued(&["LT-VIRTUAL"])
        })
        .collect()
}
