//! A Bloom filter spares look-ups of rows that no other table has.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity};

pub(super) const RULE: Rule = Rule {
    id: "bloom-filter",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let filters = subject
        .nodes()
        .filter(|node| node.operation.starts_with("BLOOM FILTER ON"));
    filters
        .map(|node| {
            Finding::new(
                RULE.id,
                Severity::Info,
                "a Bloom filter is made first, which spares look-ups without a match",
            )
            .object(
                node.operation
                    .trim_start_matches("BLOOM FILTER ON ")
                    .split(' ')
                    .next()
                    .unwrap_or_default(),
            )
            .remedy("nothing to mend; an index on the join column would spare the making")
            .catalogued(&["LT-BLOOM"])
        })
        .collect()
}
