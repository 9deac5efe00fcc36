//! A write that touches every row.

use sqlparser::ast::Statement;

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "write-without-where",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let bare = match subject.statement.map(|statement| &statement.ast) {
        Some(Statement::Update(update)) => update.selection.is_none() && update.from.is_none(),
        Some(Statement::Delete(delete)) => {
            delete.selection.is_none() && delete.using.is_none() && delete.limit.is_none()
        }
        _ => false,
    };
    let Some(table) = subject.query.tables().first().copied().filter(|_| bare) else {
        return Vec::new();
    };
    vec![
        Finding::new(RULE.id, Severity::Critical, "no WHERE: every row of the table is written")
            .object(table.qualified())
            .evidence("rows", table.rows.map_or("unknown".to_owned(), count), "", Source::Measured)
            .remedy("add the condition that is meant; where all rows are meant, in batches by key, committed one by one")
            .keeps(&["A5"])
            .catalogued(&["PG-DML-NOWHERE"]),
    ]
}
