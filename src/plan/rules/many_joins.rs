//! More tables than the planner tries all orders of.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "many-joins",
    check,
};

const COLLAPSE: usize = 8;
const GENETIC: usize = 12;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject
        .dialect()
        .is_some_and(crate::statement::Dialect::limits_join_orders)
    {
        return Vec::new();
    }
    let most = subject
        .query
        .scopes
        .iter()
        .map(|scope| scope.tables.len())
        .max()
        .unwrap_or(0);
    if most <= COLLAPSE {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Low, format!("{most} tables are joined: the planner does not try all orders of them"))
            .evidence("tables", most, "", Source::Measured)
            .effect(if most >= GENETIC { "above geqo_threshold (12) it guesses; above join_collapse_limit (8) it keeps the written order" } else { "above join_collapse_limit (8) explicit joins keep the written order" })
            .remedy("write the most selective joins first, or SET join_collapse_limit and from_collapse_limit higher for this statement and see what planning costs then")
            .catalogued(&["PG-JOIN-COLLAPSE"]),
    ]
}
