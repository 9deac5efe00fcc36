//! A foreign key of a large table that no index begins with.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "foreign-key-unindexed",
    check,
};

const ROWS: i64 = 10_000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let tables = subject.query.tables();
    let mut findings = Vec::new();
    for table in &tables {
        let Some(rows) = table.rows.filter(|rows| *rows >= ROWS) else {
            continue;
        };
        for key in &table.foreign_keys {
            // Only keys that this statement has to do with.
            let near = tables
                .iter()
                .any(|other| other.name == key.referenced_table);
            if !near || table.index_on(&key.columns).is_some() {
                continue;
            }
            let keys: Vec<String> = key
                .columns
                .iter()
                .map(|column| subject.name(column))
                .collect();
            findings.push(
                Finding::new(RULE.id, Severity::Medium, "no index begins with this foreign key: joins along it and deletes of its parent read the whole table")
                    .object(format!("{}.{}", table.qualified(), key.columns.join(", ")))
                    .evidence("rows", count(rows), "", Source::Measured)
                    .evidence("refers to", &key.referenced_table, "", Source::Measured)
                    .remedy("index it, unless the parent is never deleted from and never joined to from there")
                    .all_sql(subject.create_index(table, &key.columns.join("_"), &keys))
                    .keeps(&["A3"])
                    .catalogued(&["PG-FK-NOINDEX"]),
            );
        }
    }
    findings
}
