//! A foreign table sends rows over that are thrown away here.

use super::{Rule, Subject};
use crate::answer::{count, excerpt};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "foreign-scan-local-filter",
    check,
};

const SHARE: f64 = 0.5;
const ROWS: f64 = 100.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let scans = subject.nodes().filter(|node| {
        !node.details.remote_sql.is_empty() || node.operation.starts_with("Foreign Scan")
    });
    scans
        .filter_map(|node| Some((node, node.removed_rows?, node.actual_rows?)))
        .filter(|(_, removed, kept)| *removed >= ROWS && removed / (removed + kept) >= SHARE)
        .map(|(node, removed, kept)| {
            Finding::new(RULE.id, Severity::High, "the foreign server sends rows that are thrown away here")
                .object(subject.object(node))
                .evidence("sent", count((removed + kept) as i64), "rows", Source::Measured)
                .evidence("kept", count(kept as i64), "rows", Source::Measured)
                .evidence("filtered here", excerpt(&node.filter, 100), "", Source::Measured)
                .remedy("compare with operators and functions that the foreign server knows (built-in, immutable), set use_remote_estimate, name the extension in the server's `extensions` option")
                .catalogued(&["PG-FDW"])
        })
        .collect()
}
