//! A table that was never analysed: the planner guesses its size.

use super::{Rule, Subject};
use crate::catalog::TableKind;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "statistics-missing",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .query
        .tables()
        .into_iter()
        .filter(|table| table.kind == TableKind::Table && table.rows.is_none())
        .map(|table| {
            Finding::new(
                RULE.id,
                Severity::Medium,
                "never analysed: the planner guesses how many rows it has",
            )
            .object(table.qualified())
            .evidence("row estimate", "none", "", Source::Measured)
            .remedy("run ANALYZE on it, then explain the query again")
            .catalogued(&["LT-NOSTAT"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings};
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn a_table_with_an_estimate_is_left_alone() {
        let mut unknown = catalog(10);
        for table in &mut unknown.tables {
            table.rows = None;
        }
        assert_eq!(
            findings(&RULE, "SELECT a FROM t", &unknown, &Plan::default()),
            1
        );
        assert_eq!(
            findings(&RULE, "SELECT a FROM t", &catalog(10), &Plan::default()),
            0
        );
    }
}
