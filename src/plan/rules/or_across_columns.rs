//! OR over several columns: no single index serves it.

use sqlparser::ast::{BinaryOperator, Expr};

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "or-across-columns",
    check,
};

const ROWS: i64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let served = subject.nodes().find(|node| {
        node.operation.contains("BitmapOr")
            || node.operation.contains("MULTI-INDEX OR")
            || node.operation.contains("index_merge")
            || node
                .operation
                .to_lowercase()
                .contains("deduplicate rows sorted")
    });
    let scanned = subject.nodes().find(|node| {
        node.access == Access::FullScan
            && subject
                .table(node)
                .and_then(|table| table.rows)
                .is_some_and(|rows| rows >= ROWS)
    });
    let mut found = None;
    subject.each_select(|select| {
        for part in select
            .selection
            .as_ref()
            .map(crate::query::conjuncts)
            .unwrap_or_default()
        {
            if matches!(
                part,
                Expr::BinaryOp {
                    op: BinaryOperator::Or,
                    ..
                }
            ) {
                let mut columns = names(part);
                columns.sort();
                columns.dedup();
                if columns.len() > 1 {
                    found.get_or_insert_with(|| part.to_string());
                }
            }
        }
    });
    let Some(condition) = found else {
        return Vec::new();
    };
    let finding = match (served, scanned) {
        (Some(node), _) => Finding::new(RULE.id, Severity::Info, "OR over several columns: an index for each arm is read, and the rows are put together").object(subject.plan.above(node.id).chain([node]).find(|node| !node.relation.is_empty()).map(|node| subject.object(node)).unwrap_or_default()),
        (None, Some(node)) => Finding::new(RULE.id, Severity::Medium, "OR over several columns makes it read the whole table").object(subject.object(node)).remedy("an index for each arm, or UNION ALL of one query for each arm (the second one excludes what the first gave)"),
        (None, None) => return Vec::new(),
    };
    vec![
        finding
            .evidence(
                "condition",
                crate::answer::excerpt(&condition, 120),
                "",
                Source::Measured,
            )
            .keeps(&["O7"])
            .catalogued(&["SQL-OR", "PG-BITMAP-OR", "LT-MULTI-OR"]),
    ]
}

fn names(expr: &Expr) -> Vec<String> {
    let mut names = Vec::new();
    let _ = sqlparser::ast::visit_expressions(expr, |inner| {
        match inner {
            Expr::Identifier(name) => names.push(name.value.to_lowercase()),
            Expr::CompoundIdentifier(parts) => {
                names.extend(parts.last().map(|name| name.value.to_lowercase()));
            }
            _ => {}
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    names
}
