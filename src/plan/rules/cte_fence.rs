//! A CTE that is stored is filtered only when it is read: the condition does not reach the tables inside.

use super::{Rule, Subject};
use crate::answer::{count, excerpt};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "cte-fence",
    check,
};

const ROWS: f64 = 1000.0;
const SHARE: f64 = 0.5;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let scans = subject
        .nodes()
        .filter(|node| node.operation.ends_with("CTE Scan"));
    scans
        .filter_map(|node| {
            let (removed, kept) = (node.removed_rows?, node.actual_rows?);
            (removed >= ROWS && removed / (removed + kept) >= SHARE)
                .then_some((node, removed, kept))
        })
        .map(|(node, removed, kept)| {
            Finding::new(
                RULE.id,
                Severity::Medium,
                "the WITH query is computed whole and filtered afterwards",
            )
            .object(&node.alias)
            .evidence(
                "computed",
                count((removed + kept) as i64),
                "rows",
                Source::Measured,
            )
            .evidence("kept", count(kept as i64), "rows", Source::Measured)
            .remedy(format!(
                "write WITH … AS NOT MATERIALIZED, or put the condition inside it: {}",
                excerpt(&node.filter, 100)
            ))
            .catalogued(&["PG-CTE-FENCE"])
        })
        .collect()
}
