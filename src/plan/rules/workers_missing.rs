//! Fewer parallel workers came than were planned for.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "workers-missing",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let gathers = subject.nodes().filter_map(|node| {
        let workers = node.details.workers.as_ref()?;
        let (planned, launched) = (workers.planned?, workers.launched?);
        (launched < planned).then_some((planned, launched))
    });
    gathers
        .take(1)
        .map(|(planned, launched)| {
            Finding::new(RULE.id, Severity::Medium, format!("{launched:.0} of {planned:.0} parallel workers came: it ran slower than planned"))
                .evidence("planned", planned, "workers", Source::WhatIf)
                .evidence("launched", launched, "workers", Source::Measured)
                .remedy("raise max_parallel_workers and max_worker_processes, or lower max_parallel_workers_per_gather so that statements share them")
                .catalogued(&["PG-WORKERS"])
        })
        .collect()
}
