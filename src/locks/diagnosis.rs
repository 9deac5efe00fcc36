//! What the wait-for graph means: root cause, steps, fix, prevention.

use schemars::JsonSchema;
use serde::Serialize;

use super::{LockGraph, Relation, Session, SessionKind};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Diagnosis {
    pub root_cause: String,
    pub steps: Vec<String>,
    /// Mildest first.
    pub fix: Vec<String>,
    pub prevention: Vec<String>,
}

/// One diagnosis for each root, then for what only looks dangerous.
pub fn diagnose(graph: &LockGraph, long: &[Session], holders: &[Session]) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> = graph
        .roots()
        .into_iter()
        .filter_map(|id| graph.sessions.get(id))
        .map(|root| of_root(graph, root))
        .collect();
    if let Some(ring) = graph.cycle() {
        found.push(Diagnosis {
            root_cause: format!("{} wait for each other in a ring: a deadlock [T1]", ring.join(", ")),
            steps: vec!["look at the order in which each of them takes its locks".to_owned()],
            fix: vec!["wait a moment: the engine ends one of them by itself; that one must be run again".to_owned()],
            prevention: vec!["take locks in the same order everywhere (for example by primary key), and keep transactions short [T1]".to_owned()],
        });
    }
    for writer in holders.iter().filter(|session| !session.relief.is_empty()) {
        found.push(Diagnosis {
            root_cause: format!("process {} has a write transaction open; the file has room for one writer", writer.id),
            steps: vec![format!("see what process {} ({}) is doing", writer.id, crate::answer::one_line(&writer.application))],
            fix: writer.relief.clone(),
            prevention: vec![
                "BEGIN IMMEDIATE for transactions that will write, short transactions, a busy_timeout; WAL mode so that readers go on [A7, T1]".to_owned(),
            ],
        });
    }
    if found.is_empty()
        && let Some(oldest) = long.first()
    {
        found.push(Diagnosis {
            root_cause: format!(
                "nobody waits, but session {} has a transaction open for {}: what it locked stays locked, and dead rows cannot be cleaned up [T3]",
                oldest.id,
                crate::answer::seconds(oldest.transaction_age_s.unwrap_or(0.0))
            ),
            steps: vec!["see whether it still works or was forgotten (its state says)".to_owned()],
            fix: oldest.relief.clone(),
            prevention: vec!["commit before waiting for anything outside the database; limit idle transactions [T3]".to_owned()],
        });
    }
    found
}

fn of_root(graph: &LockGraph, root: &Session) -> Diagnosis {
    let behind = graph.behind(&root.id);
    let direct: Vec<_> = graph
        .waits
        .iter()
        .filter(|wait| wait.blocker == root.id)
        .collect();
    // A waiter that others queue behind: usually DDL.
    let queue = direct.iter().find(|wait| {
        graph
            .waits
            .iter()
            .any(|other| other.blocker == wait.waiter && other.relation == Relation::QueuedAhead)
    });
    let object = direct
        .first()
        .map_or(String::new(), |wait| crate::answer::one_line(&wait.object));
    let idle =
        root.state.to_lowercase().contains("idle") || root.state.eq_ignore_ascii_case("sleep");
    let what = match root.kind {
        SessionKind::PreparedTransaction => {
            "a prepared transaction that nobody finished".to_owned()
        }
        SessionKind::Autovacuum => "an autovacuum that must not be interrupted".to_owned(),
        _ if idle => format!(
            "session {} has an open transaction and does nothing",
            root.id
        ),
        _ => format!("session {} is still working", root.id),
    };
    let mut root_cause = format!("{what}; it holds {object}, and {behind} wait behind it");
    let mut fix = Vec::new();
    if let Some(queue) = queue {
        root_cause.push_str(&format!(
            ". {} waits for {} and everyone after it queues behind, though most of them do not conflict with {}",
            queue.waiter, queue.mode, root.id
        ));
        if let Some(relief) = graph
            .sessions
            .get(&queue.waiter)
            .and_then(|session| session.relief.first())
        {
            fix.push(format!(
                "{relief} frees those that queue behind {}; it must be run again later",
                queue.waiter
            ));
        }
    }
    fix.extend(
        root.relief
            .iter()
            .map(|relief| format!("{relief} its open work is rolled back")),
    );
    let mut steps = vec![format!(
        "find out what {} is waiting for or doing before ending it",
        root.id
    )];
    if idle && !root.query_took_lock {
        steps.push(
            "the statement shown is its last one, and perhaps not the one that took the lock"
                .to_owned(),
        );
    }
    let mut prevention = Vec::new();
    if idle {
        prevention.push(
            "commit before calling out, and limit how long a transaction may stay idle [T1, T3]"
                .to_owned(),
        );
    }
    if queue.is_some() {
        prevention.push(
            "DDL with a short lock timeout and retries, so that nobody queues behind it [M3, N7]"
                .to_owned(),
        );
    }
    if prevention.is_empty() {
        prevention.push(
            "shorter transactions; batches for large changes; the same lock order everywhere [T1]"
                .to_owned(),
        );
    }
    Diagnosis {
        root_cause,
        steps,
        fix,
        prevention,
    }
}
