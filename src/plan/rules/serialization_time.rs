//! Making the result ready to be sent takes a good part of the time, which a plain plan hides.

use super::{Rule, Subject};
use crate::answer::bytes;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "serialization-time",
    check,
};

const SHARE: f64 = 0.2;
const TIME: f64 = 5.0;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let run = &subject.plan.run;
    let (Some(time), Some(whole)) = (run.serialization_ms, subject.plan.execution_ms) else {
        return Vec::new();
    };
    if time < TIME || time / whole < SHARE {
        return Vec::new();
    }
    vec![
        Finding::new(RULE.id, Severity::Medium, format!("{:.0} % of the time goes into writing the result out", time / whole * 100.0))
            .evidence("time", format!("{time:.0}"), "ms", Source::Measured)
            .evidence("size", bytes(run.serialized_bytes.unwrap_or(0.0) as i64), "", Source::Measured)
            .remedy("name fewer and narrower columns; large texts, JSON and bytea are fetched and unpacked for each row: read them for one row at a time")
            .keeps(&["N5"])
            .catalogued(&["PG-SERIALIZE"]),
    ]
}
