//! An index is used without its first column, or less of it than the conditions could use.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;
use crate::query::PredicateKind;

pub(super) const RULE: Rule = Rule {
    id: "index-prefix-skipped",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject.nodes().filter(|node| {
        matches!(node.access, Access::IndexSearch | Access::FullIndexScan) && !node.index.is_empty()
    }) {
        let skips = node.condition.contains("ANY(") || node.operation.contains("skip scan");
        let Some(table) = subject.table(node) else {
            continue;
        };
        let Some(index) = table
            .indexes
            .iter()
            .find(|index| index.name == node.index && index.columns.len() > 1)
        else {
            continue;
        };
        let columns: Vec<&str> = index
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let Some((first, later)) = columns.split_first() else {
            continue;
        };
        let equal = |name: &str| {
            subject.predicates(table).any(|predicate| {
                predicate.kind == PredicateKind::Equality && predicate.column.column == name
            })
        };
        let without_first = skips
            || !node.condition.is_empty()
                && later.iter().any(|name| word(&node.condition, name))
                && !word(&node.condition, first);
        let parts = node.details.key_parts.len();
        let rest: Vec<&str> = columns
            .iter()
            .skip(parts)
            .copied()
            .filter(|name| equal(name))
            .collect();
        if without_first && node.is_notable() {
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::Medium,
                    format!(
                        "{} is used without its first column, {first}: much of it is read",
                        index.name
                    ),
                )
                .object(table.qualified())
                .evidence("keys", columns.join(", "), "", Source::Measured)
                .evidence(
                    "condition",
                    crate::answer::excerpt(&node.condition, 100),
                    "",
                    Source::Measured,
                )
                .remedy("an index that begins with the columns of the condition")
                .keeps(&["A2"])
                .catalogued(&["PG-IDX-NOLEAD", "LT-SKIPSCAN"]),
            );
        } else if parts > 0 && !rest.is_empty() {
            findings.push(
                Finding::new(RULE.id, Severity::Medium, format!("only {parts} of the {} keys of {} find rows", columns.len(), index.name))
                    .object(table.qualified())
                    .evidence("keys", columns.join(", "), "", Source::Measured)
                    .evidence("compared and not used", rest.join(", "), "", Source::Measured)
                    .remedy("put the columns compared by equality first, those of ranges and order behind them")
                    .keeps(&["A2"])
                    .catalogued(&["MY-KEYLEN"]),
            );
        }
    }
    findings
}

fn word(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|own| own.eq_ignore_ascii_case(name))
}
