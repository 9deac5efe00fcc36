//! Most of what a write logs is whole pages: the first change of each after a checkpoint.

use super::{Rule, Subject};
use crate::answer::{bytes, count};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "wal-full-pages",
    check,
};

const SHARE: f64 = 0.5;
const PAGE: f64 = 8192.0;
const BYTES: f64 = 1_000_000.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(wal) = subject.plan.root().and_then(|root| root.details.wal) else {
        return Vec::new();
    };
    if wal.bytes < BYTES || wal.full_pages * PAGE / wal.bytes < SHARE {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Info, "most of what is logged is whole pages, logged at their first change after a checkpoint")
            .evidence("WAL", bytes(wal.bytes as i64), "", Source::Measured)
            .evidence("whole pages", count(wal.full_pages as i64), "", Source::Measured)
            .remedy("checkpoints further apart (max_wal_size, checkpoint_timeout), wal_compression; random primary keys touch more pages than growing ones")
            .catalogued(&["PG-WAL"]),
    ]
}
