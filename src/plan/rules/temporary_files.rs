//! The statement wrote to temporary files.

use super::{Rule, Subject};
use crate::answer::bytes;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "temporary-files",
    check,
};

const PAGES: f64 = 1000.0;
const PAGE: f64 = 8192.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let written = subject
        .plan
        .root()
        .and_then(|root| root.details.pages)
        .map_or(0.0, |pages| pages.temp_written);
    if written < PAGES {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, "sorts and hashes went through temporary files")
            .evidence("written", bytes((written * PAGE) as i64), "", Source::Measured)
            .remedy("more work_mem for this session, or fewer and narrower rows before the sort or hash; the nodes that spilled are marked in the plan")
            .catalogued(&["PG-TEMP-IO"]),
    ]
}
