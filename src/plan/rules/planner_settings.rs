//! The planner works with settings that forbid a way of running.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "planner-settings",
    check,
};

/// The least size of a table that is scanned in parallel (`min_parallel_table_scan_size`).
const SHARED: i64 = 8 * 1024 * 1024;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let off = subject.plan.run.settings.iter().filter(|(name, value)| {
        !name.starts_with("jit") && value == "off"
            || name == "max_parallel_workers_per_gather" && value == "0" && reads_much(subject)
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

/// Whether a table is scanned that several processes could share.
fn reads_much(subject: &Subject<'_>) -> bool {
    subject
        .nodes()
        .filter(|node| node.access == Access::FullScan)
        .filter_map(|node| subject.table(node)?.heap_bytes)
        .any(|bytes| bytes >= SHARED)
}
