//! Triggers and foreign keys take a good part of a write's time.

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "trigger-time",
    check,
};

const SHARE: f64 = 0.1;
/// From here on a foreign key searches without an index.
const PER_CALL: f64 = 1.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(whole) = subject.plan.execution_ms.filter(|whole| *whole > 0.0) else {
        return Vec::new();
    };
    let triggers = subject.plan.run.triggers.iter();
    triggers
        .filter_map(|trigger| {
            let each = trigger.ms / trigger.calls.max(1.0);
            let key = !trigger.constraint.is_empty() || trigger.name.starts_with("RI_ConstraintTrigger");
            let scans = key && each >= PER_CALL;
            (trigger.ms / whole >= SHARE || scans).then_some((trigger, each, key, scans))
        })
        .map(|(trigger, each, key, scans)| {
            let name = if key && !trigger.constraint.is_empty() { &trigger.constraint } else { &trigger.name };
            let finding = Finding::new(RULE.id, Severity::High, format!("{:.0} % of the time goes into {}", trigger.ms / whole * 100.0, if key { "checking a foreign key" } else { "a trigger" }))
                .object(if trigger.relation.is_empty() { name.clone() } else { format!("{} on {}", name, trigger.relation) })
                .evidence("time", format!("{:.1}", trigger.ms), "ms", Source::Measured)
                .evidence("calls", count(trigger.calls as i64), "", Source::Measured)
                .evidence("each", format!("{each:.2}"), "ms", Source::Measured);
            if key {
                finding
                    .remedy(if scans { "the other table is searched without an index: index the foreign key's columns there" } else { "index the foreign key's columns on the table that refers to this one; write in larger batches" })
                    .keeps(&["A3"])
                    .catalogued(&["PG-TRIGGER", "PG-CONSTRAINT-FK"])
            } else {
                finding.remedy("a statement trigger with transition tables does for many rows at once what a row trigger does one by one").catalogued(&["PG-TRIGGER"])
            }
        })
        .collect()
}
