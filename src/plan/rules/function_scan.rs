//! A function gives rows that the planner can't count, or takes most of the time.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "function-scan",
    check,
};

const SHARE: f64 = 0.2;
/// What is assumed of a function that does not tell.
const ASSUMED: [f64; 3] = [1000.0, 100.0, 10.0];
const FACTOR: f64 = 10.0;
const ROWS: f64 = 1000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let scans = subject
        .nodes()
        .filter(|node| !node.details.function.is_empty());
    scans
        .filter_map(|node| {
            let (actual, loops) = (node.actual_rows?, node.loops?.max(1.0));
            let estimated = node.estimated_rows? / loops;
            let guessed = ASSUMED.contains(&estimated);
            let wrong = (actual / loops / estimated).max(estimated / (actual / loops).max(1.0)) >= FACTOR;
            let slow = node.share.is_some_and(|share| share >= SHARE) && actual >= ROWS;
            (slow || guessed && wrong && actual >= ROWS).then_some((node, estimated, actual))
        })
        .map(|(node, estimated, actual)| {
            Finding::new(RULE.id, Severity::Medium, "a function gives the rows: the planner knows neither how many nor how dear they are")
                .object(&node.details.function)
                .evidence("estimated", count(estimated as i64), "rows each time", Source::WhatIf)
                .evidence("actual", count(actual as i64), "rows", Source::Measured)
                .remedy("ALTER FUNCTION … ROWS n COST n; a LANGUAGE sql function that is STABLE is planned as a part of the query")
                .catalogued(&["PG-FUNC-SCAN"])
        })
        .collect()
}
