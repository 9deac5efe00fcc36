//! Compiling the statement took a good part of its time.

use super::{Rule, Subject};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "jit-overhead",
    check,
};

const SHARE: f64 = 0.2;
const TIME: f64 = 50.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(jit), Some(whole)) = (subject.plan.run.jit_ms, subject.plan.execution_ms) else {
        return Vec::new();
    };
    if jit < TIME || jit / whole < SHARE {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, format!("{:.0} % of the time went into compiling it (JIT)", jit / whole * 100.0))
            .evidence("JIT", format!("{jit:.0}"), "ms", Source::Measured)
            .evidence("whole run", format!("{whole:.0}"), "ms", Source::Measured)
            .remedy("raise jit_above_cost, or SET jit = off for roles that run short statements; statistics that overrate the cost switch it on as well")
            .catalogued(&["PG-JIT"]),
    ]
}
