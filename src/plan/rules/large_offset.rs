//! A large OFFSET: the rows before it are found, sorted and thrown away, on every page again.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "large-offset",
    check,
};

const OFFSET: u64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .query
        .offset
        .filter(|offset| *offset >= OFFSET)
        .map(|offset| {
            Finding::new(RULE.id, Severity::High, "rows before the page are read and thrown away")
                .evidence("offset", offset, "rows", Source::Measured)
                .effect("each later page is slower than the one before")
                .remedy("keyset pagination: WHERE (sort key, id) > (last seen) ORDER BY sort key, id LIMIT n, with an index on both")
                .keeps(&["O7"])
                .catalogued(&["SQL-OFFSET"])
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn the_first_pages_are_left_alone() {
        let count = |sql| findings(&RULE, sql, &catalog(10), &Plan::default());
        assert_eq!(count("SELECT a FROM t ORDER BY a LIMIT 10 OFFSET 50000"), 1);
        assert_eq!(count("SELECT a FROM t ORDER BY a LIMIT 10 OFFSET 50"), 0);
    }
}
