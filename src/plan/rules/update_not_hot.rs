//! An UPDATE of indexed columns: every index gets a new entry.

use sqlparser::ast::Statement;

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "update-not-hot",
    check,
};

const SHARE: f64 = 0.5;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(Statement::Update(update)) = subject.statement.map(|statement| &statement.ast) else {
        return Vec::new();
    };
    let Some(table) = subject.query.tables().first().copied() else {
        return Vec::new();
    };
    let Some(hot) = table.hot_update_share.filter(|hot| *hot < SHARE) else {
        return Vec::new();
    };
    let set: Vec<String> = update
        .assignments
        .iter()
        .map(|assignment| assignment.target.to_string().to_lowercase())
        .collect();
    let touched: Vec<&str> = table
        .indexes
        .iter()
        .filter(|index| {
            index
                .columns
                .iter()
                .map(|column| &column.name)
                .chain(&index.include)
                .any(|name| set.contains(&name.to_lowercase()))
        })
        .map(|index| index.name.as_str())
        .collect();
    if touched.is_empty() {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, "it changes indexed columns: each changed row gets a new entry in every index of the table")
            .object(table.qualified())
            .evidence("indexes on these columns", touched.join(", "), "", Source::Measured)
            .evidence("updates within the page so far", format!("{:.0}", hot * 100.0), "%", Source::Measured)
            .remedy("drop what is not needed of these indexes; a fillfactor of 80 to 90 leaves room where no indexed column changes")
            .keeps(&["N4"])
            .catalogued(&["PG-UPD-NOTHOT"]),
    ]
}
