//! An index that was never finished: it is kept up to date and never read.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "index-invalid",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in subject.query.tables() {
        for index in table.indexes.iter().filter(|index| !index.valid) {
            findings.push(
                Finding::new(
                    RULE.id,
                    Severity::High,
                    "the index is invalid: writes pay for it, no query can use it",
                )
                .object(format!("{}.{}", table.schema, index.name))
                .evidence("table", table.qualified(), "", Source::Measured)
                .remedy("a build CONCURRENTLY failed; build it again, or drop it")
                .sql(format!(
                    "REINDEX INDEX CONCURRENTLY {}.{}",
                    table.schema, index.name
                ))
                .keeps(&["M4"])
                .catalogued(&["PG-INDEX-INVALID"]),
            );
        }
    }
    findings
}
