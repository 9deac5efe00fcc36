//! Row-level security: its condition is checked for every row, or hides that others see another plan.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Access;

pub(super) const RULE: Rule = Rule {
    id: "row-security-scan",
    check,
};

const ROWS: i64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in subject
        .nodes()
        .filter(|node| node.access == Access::FullScan)
    {
        let Some(table) = subject
            .table(node)
            .filter(|table| table.row_security && table.rows.is_some_and(|rows| rows >= ROWS))
        else {
            continue;
        };
        findings.push(
            Finding::new(RULE.id, Severity::Medium, "row-level security is on: policies are checked for every row that is read")
                .object(table.qualified())
                .evidence("filter", crate::answer::excerpt(&node.filter, 100), "", Source::Measured)
                .effect("a condition whose function is not LEAKPROOF runs after the policy and can't use an index; the owner and roles with BYPASSRLS see a plan without policies")
                .remedy("index the column that the policy compares; write the policy's function call as (SELECT f()), so that it runs once; explain as the role that the application uses")
                .catalogued(&["PG-RLS"]),
        );
    }
    findings
}
