//! Rows that are in part in order are sorted group by group, and the groups are large.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "incremental-sort-large-groups",
    check,
};

const ROWS: f64 = 10_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let sorts = subject.nodes().filter_map(|node| {
        let sort = node.details.sort.as_ref()?;
        let groups = sort.groups.filter(|groups| *groups >= 1.0)?;
        let input = subject
            .plan
            .children(node.id)
            .find_map(|child| child.actual_rows)?;
        (input / groups >= ROWS && node.is_notable()).then_some((node, sort, input, groups))
    });
    sorts
        .map(|(node, sort, input, groups)| {
            Finding::new(
                RULE.id,
                Severity::Low,
                "the index gives a part of the order; large groups are still sorted",
            )
            .object(&node.keys)
            .evidence("rows", count(input as i64), "", Source::Measured)
            .evidence("groups", count(groups as i64), "", Source::Measured)
            .evidence("in order already", &sort.presorted, "", Source::Measured)
            .remedy(format!("an index on the whole order: {}", node.keys))
            .catalogued(&["PG-SORT-INCR"])
        })
        .collect()
}
