//! Columns of different types are joined: one side is converted row by row.

use super::implicit_cast::is_text;

use super::{Rule, Subject};
use crate::catalog::Column;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "join-type-mismatch",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (left, right) in subject.query.scopes.iter().flat_map(|scope| &scope.joins) {
        let (Some(a), Some(b)) = (
            left.table.column(left.column),
            right.table.column(right.column),
        ) else {
            continue;
        };
        let apart = subject
            .dialect()
            .is_some_and(crate::statement::Dialect::tells_numbers_apart);
        let kinds = class(a, apart) != class(b, apart);
        let collations = is_text(a) && is_text(b) && a.collation != b.collation;
        if !kinds && !collations {
            continue;
        }
        let what = |column: &Column| {
            if kinds {
                column.data_type.clone()
            } else {
                format!("{} COLLATE {}", column.data_type, column.collation)
            }
        };
        findings.push(
            Finding::new(RULE.id, Severity::Medium, if kinds { "columns of different types are joined: one is converted for each row, and its index is of no use" } else { "texts of different collations are joined: one is converted for each row" })
                .object(format!("{}.{}", left.table.qualified(), left.column))
                .evidence("type", what(a), "", Source::Measured)
                .evidence(&format!("{}.{}", right.table.name, right.column), what(b), "", Source::Measured)
                .remedy("give both columns one type and collation (propose_migration), or convert the side of which few rows are read")
                .keeps(&["A2"])
                .catalogued(if kinds { &["PG-JOIN-TYPE", "LT-TYPE-AFFINITY"] } else { &["SQL-COLLATION"] }),
        );
    }
    findings
}

#[derive(PartialEq)]
enum Class {
    Integer,
    Decimal,
    Float,
    Text,
    Other,
}

/// Types of one class are compared without converting.
fn class(column: &Column, apart: bool) -> Class {
    let kind = column.data_type.to_lowercase();
    if is_text(column) {
        Class::Text
    } else if kind.contains("int") && !kind.contains("interval") && !kind.contains("point")
        || kind.contains("serial")
    {
        Class::Integer
    } else if kind.contains("numeric") || kind.contains("decimal") {
        if apart {
            Class::Decimal
        } else {
            Class::Integer
        }
    } else if kind.contains("double") || kind.contains("float") || kind.contains("real") {
        if apart { Class::Float } else { Class::Integer }
    } else {
        Class::Other
    }
}
