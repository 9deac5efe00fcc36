//! Results are kept for values seen before, and the values seldom come again.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "cache-useless",
    check,
};

const LOOKUPS: f64 = 100.0;
const HIT_SHARE: f64 = 0.5;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let caches = subject
        .nodes()
        .filter_map(|node| Some((node, node.details.cache?)));
    caches
        .filter(|(_, cache)| cache.hits + cache.misses >= LOOKUPS)
        .filter(|(_, cache)| {
            cache.hits / (cache.hits + cache.misses) < HIT_SHARE || cache.evictions > 0.0
        })
        .map(|(node, cache)| {
            let share = cache.hits / (cache.hits + cache.misses) * 100.0;
            Finding::new(RULE.id, Severity::Medium, format!("results are kept for later, and only {share:.0} % of the look-ups find one"))
                .object(subject.object(node))
                .evidence("found in the cache", count(cache.hits as i64), "look-ups", Source::Measured)
                .evidence("not found", count(cache.misses as i64), "look-ups", Source::Measured)
                .evidence("thrown out for lack of memory", count(cache.evictions as i64), "", Source::Measured)
                .remedy("ANALYZE, so that the planner knows how many different values there are; with entries thrown out, more work_mem; or write the subquery as a join")
                .catalogued(&["PG-MEMOIZE-THRASH", "MY-EXPR-CACHE"])
        })
        .collect()
}
