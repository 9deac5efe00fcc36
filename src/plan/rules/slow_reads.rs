//! Reading a page from disk takes long.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "slow-reads",
    check,
};

const PER_PAGE: f64 = 2.0;
const PAGES: f64 = 10.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let timed = subject.nodes().filter_map(|node| {
        let pages = node.details.pages.filter(|pages| pages.read >= PAGES)?;
        Some((node, pages, pages.read_ms? / pages.read))
    });
    timed
        .filter(|(_, _, each)| *each >= PER_PAGE)
        .take(1)
        .map(|(node, pages, each)| {
            Finding::new(RULE.id, Severity::Medium, format!("a page takes {each:.1} ms to read: the storage is slow or busy"))
                .object(subject.object(node))
                .evidence("pages read", count(pages.read as i64), "", Source::Measured)
                .evidence("time", format!("{:.0}", pages.read_ms.unwrap_or(0.0)), "ms", Source::Measured)
                .remedy("look at the storage's load and limits; read fewer pages (a covering index), or keep them in memory")
                .catalogued(&["PG-IO-SLOW", "MY-ENGINE-IO"])
        })
        .collect()
}
