//! Who waits for whom at this moment, the exact root, and what relieves it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Detail, Opened, Tool, answer, input_schema, output_schema, parameters};
use crate::answer::{Answer, Common, count, excerpt, one_line, seconds};
use crate::engine::LocksSeen;
use crate::error::{Error, Result};
use crate::finding::rank;
use crate::locks::diagnosis::{Diagnosis, diagnose};
use crate::locks::{Branch, LockGraph, Session};

const NAME: &str = "check_locks";

pub(super) const TOOL: Tool = Tool {
    name: NAME,
    title: "Check locks",
    description: include_str!("../../tools/check_locks.md").trim_ascii_end(),
    input: input_schema::<Params>,
    output: output_schema::<Output>,
    run: |call, arguments| Box::pin(run(call, arguments)),
};

/// Lines of the tree in a concise answer.
const CONCISE_LINES: usize = 40;
const DETAILED_LINES: usize = 400;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Configured name.
    #[serde(default)]
    database: String,
    #[serde(default)]
    detail: Detail,
    /// Waits for this table.
    #[serde(default)]
    table: String,
    /// Tree around this id.
    #[serde(default)]
    session: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    #[serde(flatten)]
    common: Common,
    waiting: usize,
    roots: Vec<Root>,
    tree: Vec<TreeLine>,
    long_transactions: Vec<LongTransaction>,
    deadlocks: Vec<Vec<String>>,
    diagnosis: Vec<Diagnosis>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Root {
    id: String,
    kind: &'static str,
    user: String,
    application: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    transaction_age_s: Option<f64>,
    query: String,
    holds: Vec<String>,
    waiters: usize,
    relief: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct TreeLine {
    id: String,
    waits_for: String,
    lock: String,
    mode: String,
    object: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    row: String,
    depth: usize,
    relation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    wait_s: Option<f64>,
    query: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct LongTransaction {
    id: String,
    user: String,
    application: String,
    state: String,
    age_s: f64,
    query: String,
}

async fn run(call: Call<'_>, arguments: Value) -> Result<Answer> {
    let params: Params = parameters(NAME, arguments)?;
    let Opened {
        mut engine,
        mut common,
        ..
    } = call.open(&params.database).await?;
    call.doing("looking who waits for whom");
    let seen = engine.locks().await;
    engine.close().await;
    let mut seen = seen?;

    narrow(&mut seen.graph, &params)?;
    common.findings.append(&mut seen.findings);
    rank(&mut common.findings);
    common.skipped = std::mem::take(&mut seen.skipped);
    let diagnosis = diagnose(&seen.graph, &seen.long_transactions, &seen.holders);
    common.summary = summary(&seen);
    let detailed = params.detail == Detail::Detailed;
    let most = if detailed {
        DETAILED_LINES
    } else {
        CONCISE_LINES
    };

    let tree = seen.graph.tree();
    let mut text = common.heading("");
    write_tree(&mut text, &seen, &tree, most);
    write_long(&mut text, &seen.long_transactions, detailed);
    write_diagnosis(&mut text, &diagnosis);
    text.push_str(&common.closing(detailed));
    let roots = seen.graph.roots().into_iter().filter_map(|id| {
        seen.graph
            .sessions
            .get(id)
            .map(|session| (session, seen.graph.behind(id)))
    });
    let output = Output {
        waiting: seen.graph.waiting().len(),
        roots: roots
            .chain(seen.holders.iter().map(|session| (session, 0)))
            .map(|(session, waiters)| root(session, waiters))
            .collect(),
        tree: tree
            .iter()
            .filter_map(|branch| tree_line(&seen.graph, branch))
            .take(DETAILED_LINES)
            .collect(),
        long_transactions: seen
            .long_transactions
            .iter()
            .map(long_transaction)
            .collect(),
        deadlocks: seen
            .graph
            .cycle()
            .map(|ring| ring.into_iter().map(str::to_owned).collect())
            .into_iter()
            .collect(),
        diagnosis,
        common,
    };
    answer(
        text,
        &output,
        "Name a `table` or a `session` to see only the waits around it.",
    )
}

/// Leaves only what was asked for.
fn narrow(graph: &mut LockGraph, params: &Params) -> Result<()> {
    if !params.session.is_empty() {
        if !graph.sessions.contains_key(&params.session) {
            return Err(Error::Missing {
                what: "session",
                name: params.session.clone(),
                hint: " It may have ended. Leave `session` out to see all.".to_owned(),
            });
        }
        graph.keep_around(&params.session);
    }
    if !params.table.is_empty() {
        graph.keep_object(&params.table);
    }
    Ok(())
}

fn summary(seen: &LocksSeen) -> String {
    let waiting = seen.graph.waiting().len();
    if waiting == 0 {
        let writers: Vec<&Session> = seen
            .holders
            .iter()
            .filter(|session| !session.relief.is_empty())
            .collect();
        return match (writers.as_slice(), seen.holders.len()) {
            ([], 0) => "nobody waits for a lock that this role can see.".to_owned(),
            ([], readers) => format!(
                "no one holds the write lock; {readers} other processes have the file open for reading."
            ),
            ([writer, ..], _) => format!(
                "process {} ({}) holds the write lock: every other writer gets SQLITE_BUSY.",
                writer.id,
                one_line(&writer.application)
            ),
        };
    }
    let longest = seen
        .graph
        .waits
        .iter()
        .filter_map(|wait| wait.wait_s)
        .fold(0.0, f64::max);
    let mut text = format!(
        "{waiting} {} for up to {}",
        if waiting == 1 {
            "session waits"
        } else {
            "sessions wait"
        },
        seconds(longest)
    );
    match seen.graph.roots().as_slice() {
        [] if seen.graph.cycle().is_some() => {
            text.push_str(", in a ring: a deadlock that has not been broken yet.");
        }
        [] => text.push_str(", but who blocks them cannot be seen."),
        [root] => {
            let state = seen
                .graph
                .sessions
                .get(*root)
                .map_or("unknown", |session| session.state.as_str());
            let _ = write!(text, "; the one root is {root} ({state}).");
        }
        roots => {
            let _ = write!(text, "; {} roots: {}.", roots.len(), roots.join(", "));
        }
    }
    text
}

fn write_tree(text: &mut String, seen: &LocksSeen, tree: &[Branch], most: usize) {
    if tree.is_empty() {
        for session in &seen.holders {
            let locks: Vec<&str> = session
                .locks
                .iter()
                .map(|lock| lock.mode.as_str())
                .collect();
            let _ = writeln!(
                text,
                "\n  process {} {} · {} · {}",
                session.id,
                one_line(&session.application),
                session.state,
                locks.join(", ")
            );
        }
        return;
    }
    text.push('\n');
    for branch in tree.iter().take(most) {
        let empty = Session::default();
        let session = seen.graph.sessions.get(&branch.id).unwrap_or(&empty);
        let who = if session.application.is_empty() {
            &session.user
        } else {
            &session.application
        };
        let indent = "  ".repeat(branch.depth);
        match &branch.wait {
            None => {
                let _ = write!(
                    text,
                    "  {} {} · {}",
                    branch.id,
                    excerpt(who, 40),
                    session.state
                );
                if let Some(age) = session.transaction_age_s {
                    let _ = write!(text, ", transaction open for {}", seconds(age));
                }
                if session.locks.is_empty() {
                    text.push('\n');
                } else {
                    let locks: Vec<String> = session
                        .locks
                        .iter()
                        .take(6)
                        .map(|lock| format!("{} on {}", lock.mode, one_line(&lock.object)))
                        .collect();
                    let _ = writeln!(text, "\n      holds {}", locks.join("; "));
                }
            }
            Some(wait) => {
                let _ = write!(
                    text,
                    "  {indent}└ {} {} · waits",
                    branch.id,
                    excerpt(who, 40)
                );
                if let Some(waited) = wait.wait_s {
                    let _ = write!(text, " {}", seconds(waited));
                }
                let _ = write!(
                    text,
                    " for {}",
                    one_line(&format!(
                        "{} {} on {} {}",
                        wait.lock, wait.mode, wait.object, wait.row
                    ))
                );
                if wait.relation == crate::locks::Relation::QueuedAhead {
                    let _ = write!(text, " · queued behind {}", wait.blocker);
                }
                text.push('\n');
            }
        }
        if !session.query.is_empty() {
            let what = if session.query_took_lock || branch.wait.is_some() {
                ""
            } else {
                "last statement, perhaps not the one that locked: "
            };
            let _ = writeln!(text, "  {indent}    {what}{}", excerpt(&session.query, 160));
        }
    }
    if tree.len() > most {
        let _ = writeln!(
            text,
            "  … and {} more: name a `table` or `session`, or detail \"detailed\"",
            tree.len() - most
        );
    }
}

fn write_long(text: &mut String, sessions: &[Session], detailed: bool) {
    let shown = if detailed { sessions.len() } else { 5 };
    for (number, session) in sessions.iter().take(shown).enumerate() {
        if number == 0 {
            text.push_str("\nLong transactions\n");
        }
        let _ = writeln!(
            text,
            "  {} {} · {} for {} · {}",
            session.id,
            excerpt(
                if session.application.is_empty() {
                    &session.user
                } else {
                    &session.application
                },
                40
            ),
            session.state,
            seconds(session.transaction_age_s.unwrap_or(0.0)),
            excerpt(&session.query, 120)
        );
    }
    if sessions.len() > shown {
        let _ = writeln!(
            text,
            "  … and {} more",
            count((sessions.len() - shown) as i64)
        );
    }
}

fn write_diagnosis(text: &mut String, diagnosis: &[Diagnosis]) {
    for one in diagnosis {
        let _ = writeln!(text, "\nWhy: {}", one.root_cause);
        for (number, step) in one.steps.iter().enumerate() {
            let _ = writeln!(text, "  look {}: {step}", number + 1);
        }
        for (number, fix) in one.fix.iter().enumerate() {
            let _ = writeln!(text, "  relief {}: {fix}", number + 1);
        }
        for prevention in &one.prevention {
            let _ = writeln!(text, "  prevent: {prevention}");
        }
    }
}

fn root(session: &Session, waiters: usize) -> Root {
    Root {
        id: session.id.clone(),
        kind: session.kind.word(),
        user: session.user.clone(),
        application: session.application.clone(),
        state: session.state.clone(),
        transaction_age_s: session.transaction_age_s,
        query: excerpt(&session.query, 400),
        holds: session
            .locks
            .iter()
            .map(|lock| format!("{} on {}", lock.mode, lock.object))
            .collect(),
        waiters,
        relief: session.relief.clone(),
    }
}

fn tree_line(graph: &LockGraph, branch: &Branch) -> Option<TreeLine> {
    let wait = branch.wait.as_ref()?;
    Some(TreeLine {
        id: branch.id.clone(),
        waits_for: wait.blocker.clone(),
        lock: wait.lock.clone(),
        mode: wait.mode.clone(),
        object: wait.object.clone(),
        row: wait.row.clone(),
        depth: branch.depth,
        relation: wait.relation.word(),
        wait_s: wait.wait_s,
        query: graph
            .sessions
            .get(&branch.id)
            .map(|session| excerpt(&session.query, 400))
            .unwrap_or_default(),
    })
}

fn long_transaction(session: &Session) -> LongTransaction {
    LongTransaction {
        id: session.id.clone(),
        user: session.user.clone(),
        application: session.application.clone(),
        state: session.state.clone(),
        age_s: session.transaction_age_s.unwrap_or(0.0),
        query: excerpt(&session.query, 400),
    }
}
