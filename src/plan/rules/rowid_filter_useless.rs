//! A second index is read as a filter, and lets nearly all rows through.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "rowid-filter-useless",
    check,
};

const PERCENT: f64 = 80.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let filtered = subject
        .nodes()
        .filter_map(|node| Some((node, node.details.second_index_keeps?)));
    filtered
        .filter(|(_, kept)| *kept >= PERCENT)
        .map(|(node, kept)| {
            Finding::new(RULE.id, Severity::Low, format!("a second index is read to filter by, and lets {kept:.0} % through"))
                .object(subject.object(node))
                .evidence("let through", format!("{kept:.0}"), "%", Source::Measured)
                .remedy("one index on both columns; ANALYZE TABLE … PERSISTENT FOR ALL, so that the planner knows how little it filters")
                .catalogued(&["MY-ROWID-FILTER"])
        })
        .collect()
}
