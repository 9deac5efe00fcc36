//! A hash was cut into more parts while it ran: its input was larger or less even than planned.

use super::{Rule, Subject};
use crate::answer::bytes;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "hash-batches-grew",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let hashes = subject.nodes().filter_map(|node| {
        let (planned, batches) = (node.details.planned_batches?, node.details.batches?);
        (batches > planned.max(1.0)).then_some((node, planned, batches))
    });
    hashes
        .map(|(node, planned, batches)| {
            let memory = node.details.memory_bytes.unwrap_or(0);
            Finding::new(RULE.id, Severity::Medium, "the hash table grew beyond what was planned: more rows came, or many with one value")
                .object(subject.object(node))
                .evidence("parts planned", planned, "", Source::WhatIf)
                .evidence("parts in the end", batches, "", Source::Measured)
                .evidence("memory", bytes(memory), "", Source::Measured)
                .remedy("ANALYZE the tables of its input, extended statistics for columns that go together; then more work_mem or hash_mem_multiplier")
                .catalogued(&["PG-HASH-SKEW"])
        })
        .collect()
}
