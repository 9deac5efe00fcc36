//! A partitioned table of which every partition is read.

use super::{Rule, Subject};
use crate::catalog::TableKind;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "partitions-unpruned",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in subject.query.tables() {
        // Tables that inherit are no partitions.
        let partitioned = table.kind == TableKind::Partitioned || !table.partitioned_by.is_empty();
        if !partitioned || table.children.len() < 2 {
            continue;
        }
        let parts: Vec<_> = table
            .children
            .iter()
            .map(|child| child.rsplit('.').next().unwrap_or(child))
            .collect();
        let named = subject
            .nodes()
            .filter(|node| parts.iter().any(|part| *part == node.relation))
            .map(|node| node.relation.as_str())
            .collect::<std::collections::BTreeSet<_>>()
            .len();
        let counted = subject
            .nodes()
            .filter(|node| node.names(&table.name))
            .filter_map(|node| Some(node.details.partitions?.read))
            .max();
        let left_out = subject
            .nodes()
            .filter_map(|node| node.details.partitions)
            .any(|part| part.removed > 0 || part.never_run > 0);
        let read = counted.unwrap_or(named);
        if read < table.children.len() || left_out {
            continue;
        }
        let by_key = subject.predicates(table).any(|predicate| {
            table
                .partitioned_by
                .to_lowercase()
                .contains(&predicate.column.column.to_lowercase())
        });
        findings.push(
            Finding::new(RULE.id, if subject.predicates(table).next().is_some() { Severity::High } else { Severity::Low }, "every partition is read")
                .object(table.qualified())
                .evidence("partitions", read, "", Source::Measured)
                .evidence("partitioned by", &table.partitioned_by, "", Source::Measured)
                .remedy(if by_key { "compare the partition key itself with a constant of its own type: no function, no cast, no arithmetic around it" } else { "add a condition on the partition key: then only the partitions that can hold such rows are read" })
                .catalogued(&["PG-PART-NOPRUNE", "MY-PART"]),
        );
    }
    findings
}
