//! The planner is far off in how many different values a column has.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "distinct-misestimate",
    check,
};

const FACTOR: f64 = 5.0;
const GROUPS: f64 = 100.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let groups = subject.nodes().filter(|node| {
        node.access == Access::Aggregate && !node.keys.is_empty() && !node.keys.contains(',')
    });
    groups
        .filter_map(|node| {
            // A filter takes values away: only a whole table tells how many it has.
            let whole = subject.plan.below(node.id).skip(1).all(|below| {
                below.filter.is_empty()
                    && below.condition.is_empty()
                    && below.access != Access::Join
            });
            let scan = subject
                .plan
                .below(node.id)
                .find(|below| !below.relation.is_empty())
                .filter(|_| whole)?;
            let (table, loops) = (subject.table(scan)?, node.loops.unwrap_or(1.0).max(1.0));
            let column = table.column(
                node.keys
                    .rsplit('.')
                    .next()?
                    .trim_matches(['"', '`', ')', '(']),
            )?;
            let (estimated, actual) = (node.estimated_rows? / loops, node.actual_rows? / loops);
            let factor = (actual / estimated.max(1.0)).max(estimated / actual.max(1.0));
            (factor >= FACTOR && actual.max(estimated) >= GROUPS)
                .then_some((table, column, estimated, actual))
        })
        .map(|(table, column, estimated, actual)| {
            let share = -(actual / table.rows.unwrap_or(1).max(1) as f64).min(1.0);
            let set = if share <= -0.1 {
                format!("{share:.2}")
            } else {
                format!("{actual:.0}")
            };
            Finding::new(
                RULE.id,
                Severity::Medium,
                "the planner is far off in how many different values it has",
            )
            .object(format!("{}.{}", table.qualified(), column.name))
            .evidence(
                "estimated",
                count(estimated as i64),
                "values",
                Source::WhatIf,
            )
            .evidence("actual", count(actual as i64), "values", Source::Measured)
            .remedy("say it to the planner, then ANALYZE")
            .sql(format!(
                "ALTER TABLE {} ALTER COLUMN {} SET (n_distinct = {set})",
                table.qualified(),
                column.name
            ))
            .sql(format!("ANALYZE {}", table.qualified()))
            .catalogued(&["PG-NDISTINCT"])
        })
        .collect()
}
