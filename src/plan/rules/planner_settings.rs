//! The planner works with settings that forbid a way of running.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity};

pub(super) const RULE: Rule = Rule {
    id: "planner-settings",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let off = subject.plan.run.settings.iter().filter(|(name, value)| {
        (name.starts_with("enable_") || name.contains("pushdown")) && value == "off"
            || name == "max_parallel_workers_per_gather" && value == "0"
    });
    off.map(|(name, value)| {
        Finding::new(RULE.id, Severity::Info, format!("{name} is {value}: the planner has fewer ways than usual"))
            .object(name)
            .remedy("if nobody knows why, RESET it (ALTER ROLE … RESET, ALTER DATABASE … RESET, optimizer_switch) and compare the plans")
            .catalogued(match name.as_str() {
                "max_parallel_workers_per_gather" => &["PG-SETTINGS", "PG-PARALLEL-BLOCK"],
                "index_condition_pushdown" => &["MY-ICP-OFF"],
                _ => &["PG-SETTINGS"],
            })
    })
    .collect()
}
