//! Most pages came from disk: the next run may be much faster, or the table does not fit into memory.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "cold-cache",
    check,
};

/// Of 8 or 16 kB.
const PAGES: f64 = 500.0;
const SHARE: f64 = 0.5;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    // Where pages are counted with those of the nodes below, the first node has them all.
    let counted = subject
        .nodes()
        .filter_map(|node| Some((node, node.details.pages?)));
    counted
        .filter(|(_, pages)| pages.read >= PAGES && pages.read / pages.touched() >= SHARE)
        .take(1)
        .map(|(node, pages)| {
            Finding::new(RULE.id, Severity::Info, format!("{:.0} % of the pages came from outside the server's memory", pages.read / pages.touched() * 100.0))
                .object(subject.object(node))
                .evidence("pages read", count(pages.read as i64), "", Source::Measured)
                .evidence("pages found in memory", count(pages.hit as i64), "", Source::Measured)
                .remedy("run it again before judging its time; if it stays so, read less (a covering index) or give the server more memory (shared_buffers, innodb_buffer_pool_size)")
                .catalogued(&["PG-CACHE-MISS", "MY-ENGINE-IO"])
        })
        .collect()
}
