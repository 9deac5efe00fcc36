//! A join compares pairs of rows and throws nearly all of them away.

use super::{Rule, Subject};
use crate::answer::{count, excerpt};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "join-filter-discards",
    check,
};

const FACTOR: f64 = 10.0;
const ROWS: f64 = 10_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let joins = subject.nodes().filter_map(|node| {
        let (removed, kept) = (node.details.join_removed?, node.actual_rows?);
        (removed >= ROWS && removed >= kept * FACTOR).then_some((node, removed, kept))
    });
    joins
        .map(|(node, removed, kept)| {
            Finding::new(RULE.id, Severity::High, "pairs of rows are made and thrown away: the condition finds nothing by an index or a hash")
                .object(&node.operation)
                .evidence("pairs thrown away", count(removed as i64), "", Source::Measured)
                .evidence("kept", count(kept as i64), "", Source::Measured)
                .evidence("condition", excerpt(&node.filter, 100), "", Source::Measured)
                .remedy("join by equality of plain columns; split an OR into UNION ALL; for a range, an index on its column, or GiST on a range type")
                .keeps(&["A2"])
                .catalogued(&["PG-NL-JOINFILTER"])
        })
        .collect()
}
