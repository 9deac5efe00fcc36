//! An index-only scan that visits the table all the same.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "index-only-heap-fetches",
    check,
};

const SHARE: f64 = 0.01;
const HIGH_SHARE: f64 = 0.4;
const FETCHES: f64 = 100.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let scans = subject.nodes().filter_map(|node| {
        let (fetches, rows) = (node.details.heap_fetches?, node.actual_rows?);
        let share = fetches / (rows + node.removed_rows.unwrap_or(0.0)).max(1.0);
        (fetches >= FETCHES && share >= SHARE).then_some((node, fetches, share))
    });
    scans
        .map(|(node, fetches, share)| {
            let table = subject.object(node);
            Finding::new(
                RULE.id,
                if share >= HIGH_SHARE { Severity::Medium } else { Severity::Low },
                format!("the index has all columns, yet {:.0} % of the rows are looked up in the table", share.min(1.0) * 100.0),
            )
            .object(&table)
            .evidence("look-ups", count(fetches as i64), "", Source::Measured)
            .effect("pages that changed since the last VACUUM are not known to be visible to all")
            .remedy("VACUUM it, and let autovacuum come sooner")
            .sql(format!("VACUUM {table}"))
            .sql(format!("ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05)"))
            .catalogued(&["PG-IOS-HEAPFETCH"])
        })
        .collect()
}
