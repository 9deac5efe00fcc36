//! HAVING on a plain column: rows are grouped first and thrown away afterwards.

use sqlparser::ast::{Expr, GroupByExpr, Visit, Visitor};
use std::ops::ControlFlow;

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "having-without-aggregate",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut found = None;
    subject.each_select(|select| {
        let grouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if !by.is_empty());
        let Some(having) = select.having.as_ref().filter(|_| grouped) else {
            return;
        };
        for part in crate::query::conjuncts(having) {
            if !calls(part) && !crate::query::is_alias_of_call(part, select) {
                found.get_or_insert_with(|| part.to_string());
            }
        }
    });
    let finding = found.map(|text| {
        Finding::new(
            RULE.id,
            Severity::Low,
            "a condition in HAVING that needs no group: rows are grouped for nothing",
        )
        .evidence(
            "condition",
            crate::answer::excerpt(&text, 120),
            "",
            Source::Measured,
        )
        .remedy("move it to WHERE: then an index can serve it, and less is grouped")
        .keeps(&["O7"])
        .catalogued(&["SQL-HAVING-WHERE"])
    });
    finding.into_iter().collect()
}

/// Whether it holds a call or a subquery: then it may be about the group.
fn calls(expr: &Expr) -> bool {
    struct Calls(bool);
    impl Visitor for Calls {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.0 |= matches!(
                expr,
                Expr::Function(_)
                    | Expr::Subquery(_)
                    | Expr::Exists { .. }
                    | Expr::InSubquery { .. }
            );
            ControlFlow::Continue(())
        }
    }
    let mut calls = Calls(false);
    let _ = expr.visit(&mut calls);
    calls.0
}
