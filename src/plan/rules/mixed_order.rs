//! ORDER BY goes up in one column and down in another: a plain index gives neither.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "mixed-order",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.nodes().any(|node| node.access == Access::Sort) {
        return Vec::new();
    }
    let mixed = subject.query.scopes.iter().find(|scope| {
        scope.order_is_plain
            && scope.order_by.iter().any(|(_, down)| *down)
            && scope.order_by.iter().any(|(_, down)| !*down)
    });
    let Some(scope) = mixed else {
        return Vec::new();
    };
    let keys: Vec<String> = scope
        .order_by
        .iter()
        .map(|(column, down)| format!("{}{}", column.column, if *down { " DESC" } else { "" }))
        .collect();
    let table = scope
        .order_by
        .first()
        .map(|(column, _)| column.table.qualified())
        .unwrap_or_default();
    vec![
        Finding::new(RULE.id, Severity::Low, "the order goes up in one column and down in another: only an index of the same directions gives it")
            .object(table)
            .evidence("order", keys.join(", "), "", Source::Measured)
            .remedy(format!("an index on ({}), directions as written (PostgreSQL, SQLite, MySQL 8, MariaDB 10.8 and later)", keys.join(", ")))
            .keeps(&["A2"])
            .catalogued(&["SQL-MIXED-ORDER"]),
    ]
}
