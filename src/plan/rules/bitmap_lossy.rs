//! A bitmap that did not fit into memory names pages instead of rows: all their rows are checked again.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "bitmap-lossy",
    check,
};

const SHARE: f64 = 0.1;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let nodes = subject.nodes().filter_map(|node| {
        let lossy = node.details.lossy_pages.filter(|lossy| *lossy > 0.0)?;
        let exact = node.details.exact_pages.unwrap_or(0.0);
        (lossy / (lossy + exact) >= SHARE).then_some((node, lossy, exact))
    });
    nodes
        .map(|(node, lossy, exact)| {
            Finding::new(
                RULE.id,
                Severity::Medium,
                "the bitmap of rows did not fit into memory: whole pages are checked row by row",
            )
            .object(subject.object(node))
            .evidence(
                "pages without row numbers",
                count(lossy as i64),
                "",
                Source::Measured,
            )
            .evidence(
                "pages with row numbers",
                count(exact as i64),
                "",
                Source::Measured,
            )
            .evidence(
                "rows checked for nothing",
                count(node.details.recheck_removed.unwrap_or(0.0) as i64),
                "",
                Source::Measured,
            )
            .remedy(
                "more memory for this session (SET work_mem), or an index that finds fewer rows",
            )
            .catalogued(&["PG-BITMAP-LOSSY"])
        })
        .collect()
}
