//! The engine builds an index for one run and throws it away: it wants one that is not there.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "automatic-index",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let built = subject
        .plan
        .nodes
        .iter()
        .filter(|node| node.access == Access::AutomaticIndex);
    built
        .map(|node| {
            let table = subject.table(node);
            Finding::new(
                RULE.id,
                Severity::High,
                "an index on it is built anew for every run of the query",
            )
            .object(table.map_or_else(|| node.object(), crate::catalog::Table::qualified))
            .evidence("looked up by", &node.condition, "", Source::Measured)
            .effect("the whole table is read and sorted each time")
            .remedy("create the index for real, on the columns of the lookup")
            .keeps(&["A2"])
            .catalogued(&["LT-AUTOINDEX"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, findings, plan};
    use super::*;
    use crate::plan::PlanNode;

    #[test]
    fn only_an_index_made_for_the_run_is_named() {
        let node = |access| PlanNode {
            access,
            relation: "t".to_owned(),
            ..PlanNode::default()
        };
        let catalog = catalog(10);
        assert_eq!(
            findings(
                &RULE,
                "SELECT a FROM t",
                &catalog,
                &plan(vec![(None, node(Access::AutomaticIndex))])
            ),
            1
        );
        assert_eq!(
            findings(
                &RULE,
                "SELECT a FROM t",
                &catalog,
                &plan(vec![(None, node(Access::IndexSearch))])
            ),
            0
        );
    }
}
