//! A sort or a hash that did not fit into memory.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "spill-to-disk",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .plan
        .nodes
        .iter()
        .filter_map(|node| node.spilled_bytes.map(|bytes| (node, bytes)))
        .map(|(node, bytes)| {
            Finding::new(RULE.id, Severity::Medium, "it did not fit into memory and went through temporary files")
                .object(&node.operation)
                .evidence("size", crate::answer::bytes(bytes), "", Source::Measured)
                .remedy("fewer or narrower rows first (filter earlier, name the columns); else more memory for this session (work_mem, sort_buffer_size) or an index that gives the order")
                .catalogued(&["PG-SORT-DISK", "PG-HASHAGG-DISK", "PG-HASH-BATCH", "PG-WINDOW-SPILL"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings, plan};
    use super::*;
    use crate::plan::PlanNode;

    #[test]
    fn what_stayed_in_memory_is_left_alone() {
        let count = |spilled_bytes| {
            let plan = plan(vec![(
                None,
                PlanNode {
                    spilled_bytes,
                    ..PlanNode::default()
                },
            )]);
            findings(&RULE, "SELECT a FROM t", &catalog(10), &plan)
        };
        assert_eq!((count(Some(1 << 20)), count(None)), (1, 0));
    }
}
