//! Rows are kept in the order of a random key.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};
use crate::statement::Dialect;

pub(super) const RULE: Rule = Rule {
    id: "random-primary-key",
    check,
};

const ROWS: i64 = 1_000_000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.dialect().is_some_and(Dialect::pays_for_random_keys) {
        return Vec::new();
    }
    let tables = subject
        .query
        .tables()
        .into_iter()
        .filter(|table| table.rows.is_some_and(|rows| rows >= ROWS));
    tables
        .filter_map(|table| {
            let key = table.primary_key.as_ref()?;
            let [only] = key.columns.as_slice() else { return None };
            let kind = table.column(only)?.data_type.to_lowercase();
            let uuid = kind.starts_with("char(36)") || kind.starts_with("varchar(36)") || kind.starts_with("binary(16)") || kind == "uuid";
            uuid.then_some((table, only, kind))
        })
        .map(|(table, column, kind)| {
            Finding::new(RULE.id, Severity::Low, "rows are kept in the order of a UUID: if it is random, each insert goes to another page, and every index carries it")
                .object(format!("{}.{column}", table.qualified()))
                .evidence("type", kind, "", Source::Measured)
                .evidence("rows", count(table.rows.unwrap_or(0)), "", Source::Measured)
                .remedy("UUIDv7, which grows with time, in BINARY(16); or an integer key and the UUID beside it, UNIQUE")
                .catalogued(&["MY-PK-RANDOM"])
        })
        .collect()
}
