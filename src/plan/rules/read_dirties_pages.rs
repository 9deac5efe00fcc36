//! A read that changes pages: it cleans up after writers.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "read-dirties-pages",
    check,
};

const PAGES: f64 = 1000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if subject
        .statement
        .is_some_and(|statement| !statement.only_reads())
    {
        return Vec::new();
    }
    let Some((root, pages)) = subject
        .plan
        .root()
        .and_then(|root| Some((root, root.details.pages?)))
    else {
        return Vec::new();
    };
    if pages.dirtied < PAGES
        || root.operation.contains("(Insert)")
        || root.operation.contains("(Update)")
        || root.operation.contains("(Delete)")
    {
        return Vec::new();
    }
    let table = subject
        .nodes()
        .find(|node| !node.relation.is_empty())
        .map_or_else(String::new, |node| subject.object(node));
    vec![
        Finding::new(
            RULE.id,
            Severity::Low,
            "the read wrote pages: it marked rows that writers left unmarked",
        )
        .object(&table)
        .evidence(
            "pages changed",
            count(pages.dirtied as i64),
            "",
            Source::Measured,
        )
        .effect("the first read after many writes is slower than later ones")
        .remedy("VACUUM after bulk loads; let autovacuum come sooner")
        .sql(format!("VACUUM {table}"))
        .catalogued(&["PG-DEAD-READ"]),
    ]
}
