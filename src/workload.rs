//! What a database is asked, over time: statements by what they have in common, which of them cost most, and which
//! are asked again and again where one would do.

pub mod drop;
pub mod fingerprint;
pub mod logs;
pub mod n_plus_one;

/// A statement that was run once, as a log tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// Who asked: a session, a transaction, a trace. Empty where the log does not tell.
    pub session: String,
    pub sql: String,
    /// Values of its parameters, where the log tells them apart from the text.
    pub values: String,
    pub ms: Option<f64>,
}

/// Statements that differ only in their values, together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// The statement with its values left out.
    pub fingerprint: String,
    /// One of them that can be planned: as it was written, or with parameters.
    pub sample: String,
    pub calls: u64,
    pub total_ms: f64,
    /// Rows that came back or were changed, where that is known.
    pub rows: Option<u64>,
}

/// Adds up events by their fingerprint, the costliest first.
pub fn add_up(events: &[Event], dialect: crate::statement::Dialect) -> Vec<Statistics> {
    let mut known: std::collections::BTreeMap<String, Statistics> =
        std::collections::BTreeMap::new();
    for event in events {
        let fingerprint = fingerprint::of(&event.sql, dialect);
        let own = known
            .entry(fingerprint.clone())
            .or_insert_with(|| Statistics {
                fingerprint,
                sample: event.sql.clone(),
                ..Statistics::default()
            });
        own.calls += 1;
        own.total_ms += event.ms.unwrap_or(0.0);
    }
    let mut all: Vec<Statistics> = known.into_values().collect();
    sort(&mut all);
    all
}

/// The costliest first; where no time is known, the most frequent.
pub fn sort(statistics: &mut [Statistics]) {
    statistics.sort_by(|a, b| {
        b.total_ms
            .total_cmp(&a.total_ms)
            .then(b.calls.cmp(&a.calls))
            .then(a.fingerprint.cmp(&b.fingerprint))
    });
}
